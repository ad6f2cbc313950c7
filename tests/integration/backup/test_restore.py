# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore does before and while it exchanges data, with a real etcd: inspection, preparation, exchange."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import restore
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.api.programs import RealEtcd, binary, need_programs
from tests.support.backup import Backups, inspect, load_program

pytestmark = pytest.mark.slow
KEY = base64.b64encode(bytes(range(32))).decode()
CONFIGURATION = f"""
resources:
  - resources: [secrets]
    providers:
      - aesgcm:
          keys:
            - name: key1
              secret: "{KEY}"
"""
SECRET = "/registry/secrets/default/database"


def etcdctl(etcd: RealEtcd, *words: str, stdin: bytes = b"") -> str:
    """Return what etcdctl prints."""
    given = etcd.arguments()
    tls = [f"--{flag}={given[name]}" for flag, name in (("cacert", "ca"), ("cert", "cert"), ("key", "key"))]
    line = [str(binary("etcdctl")), f"--endpoints={etcd.endpoints[0]}", *tls, *words]
    return subprocess.run(line, input=stdin, capture_output=True, check=True).stdout.decode(errors="replace")


def healthy(etcd: RealEtcd) -> bool:
    """Return whether etcd answers."""
    try:
        return bool(etcdctl(etcd, "endpoint", "health") or True)
    except subprocess.CalledProcessError:
        return False


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[RealEtcd]:
    """Start a member with nodes, pods and an encrypted Secret."""
    need_programs("etcd", "etcdctl", "etcdutl")
    member = RealEtcd(tmp_path / "source", size=1)
    member.start("m1")
    try:
        member.programs.wait_until("m1", lambda: healthy(member))
        for name in ("minions/n1", "minions/n2", "pods/default/a", "pods/default/b", "leases/x/y"):
            etcdctl(member, "put", f"/registry/{name}", "1")
        sealed = AESGCM(bytes(range(32))).encrypt(b"n" * 12, b"k8s\x00 the content", SECRET.encode())
        etcdctl(member, "put", SECRET, stdin=b"k8s:enc:aesgcm:v1:key1:" + b"n" * 12 + sealed)
        yield member
    finally:
        member.programs.stop_all()


@pytest.fixture
def backups(etcd: RealEtcd, tmp_path: Path) -> Backups:
    """Return a host with an encryption key, a CA and a cluster record."""
    files = {"encryption.yaml": CONFIGURATION, "hardway-cluster.json": json.dumps({"id": "one"})}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "cas").mkdir()
    shutil.copy(etcd.arguments()["ca"], tmp_path / "cas/ca.crt")
    return Backups(
        etcd,
        tmp_path,
        encryption=str(tmp_path / "encryption.yaml"),
        files=[str(tmp_path / name) for name in files],
        ca_directories=[str(tmp_path / "cas")],
    )


def archive_of(backups: Backups) -> Path:
    """Take a backup; return its archive."""
    done = backups.run("--now")
    assert done.returncode == 0, done.stderr
    return backups.directory / backups.names()[-1]


def rewritten(archive: Path, target: Path, change: Any) -> Path:
    """Return a copy of an archive whose members, with a fitting manifest, were changed."""
    with tarfile.open(archive) as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    manifest = json.loads(found.pop("manifest.json"))
    change(manifest, found)
    program = load_program()
    members = [program.Member(name, content) for name, content in found.items()]
    manifest["members"] = {member.name: member.described() for member in members}
    with tarfile.open(target, "w:gz") as tar:
        for member in [program.Member("manifest.json", json.dumps(manifest).encode()), *members]:
            info = tarfile.TarInfo(member.name)
            info.size = len(member.content)
            tar.addfile(info, io.BytesIO(member.content))
    return target


def test_inspection_says_what_a_restore_would_change(etcd: RealEtcd, backups: Backups) -> None:
    archive = archive_of(backups)
    etcdctl(etcd, "del", "/registry/minions/n2")
    for name in ("minions/n3", "pods/default/a", "leases/x/z", "example.org/widgets/w"):
        etcdctl(etcd, "put", f"/registry/{name}", "2")
    done = inspect(backups, archive)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same_cluster"] and found["live"] and found["cluster"] == "test"
    assert (found["nodes"], found["live_nodes"]) == (["n1", "n2"], ["n1", "n3"])
    assert found["live_revision"] > found["revision"]
    assert found["differences"] == {
        "example.org/widgets": {"deleted": 1, "back": 0, "older": 0},
        "nodes": {"deleted": 1, "back": 1, "older": 0},
        "pods": {"deleted": 0, "back": 0, "older": 1},
    }
    # The API servers do not have the key of the Secret.
    assert found["missing_keys"] == ["key1"]
    assert KEY not in done.stdout + done.stderr
    assert [name for name in backups.names() if name != archive.name] == []


def test_inspection_works_without_a_running_etcd(etcd: RealEtcd, backups: Backups) -> None:
    archive = archive_of(backups)
    etcd.programs.stop_all()
    found = json.loads(inspect(backups, archive).stdout)
    assert not found["live"] and found["reason"].startswith("etcd: no healthy member")


def test_what_cannot_be_restored_is_refused(backups: Backups, tmp_path: Path) -> None:
    archive = archive_of(backups)

    def refused(path: Path) -> str:
        done = inspect(backups, path)
        assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done
        return done.stderr

    # A flipped bit of the compressed data may still yield the same data: a reference to other zeros. The last eight
    # bytes are checksum and length; the data itself is flipped below the compression.
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1
    flipped = tmp_path / "flipped.tar.gz"
    flipped.write_bytes(content)
    assert "damaged, take another copy" in refused(flipped)
    data = bytearray(gzip.decompress(archive.read_bytes()))
    data[len(data) // 2] ^= 1
    flipped.write_bytes(gzip.compress(data))
    assert "damaged, take another copy" in refused(flipped)

    newer = rewritten(archive, tmp_path / "newer.tar.gz", lambda manifest, _: manifest["versions"].update(etcd="9.9.1"))
    assert "archive: of etcd 9.9.1, but this host has 3." in refused(newer)

    def without_key(_manifest: Any, files: dict[str, bytes]) -> None:
        files[next(name for name in files if name.endswith("encryption.yaml"))] = b"resources: []\n"

    keyless = rewritten(archive, tmp_path / "keyless.tar.gz", without_key)
    assert f"{SECRET}: key key1 (aesgcm) is not in the encryption configuration" in refused(keyless)

    def escaping(_manifest: Any, files: dict[str, bytes]) -> None:
        files["../outside"] = b"x"

    outside = rewritten(archive, tmp_path / "outside.tar.gz", escaping)
    assert "../outside is no file below it" in refused(outside) and not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("record", "same_ca", "same"), [("one", False, True), ("two", True, True), ("two", False, False)]
)
def test_another_cluster_is_recognized(
    backups: Backups, tmp_path: Path, record: str, same_ca: bool, same: bool
) -> None:
    """By its id, and by its CAs: a cluster that was deployed again with them has another id."""
    archive = archive_of(backups)
    (tmp_path / "hardway-cluster.json").write_text(json.dumps({"id": record}), encoding="utf-8")
    if not same_ca:
        shutil.copy(RealEtcd(tmp_path / "other", size=1).arguments()["ca"], tmp_path / "cas/ca.crt")
    assert json.loads(inspect(backups, archive).stdout)["same_cluster"] is same


def test_without_room_beside_the_member_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member whose disk is full would stop."""
    room = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _path: room)
    state = {"id": "r1", "kind": "archive", "title": "a", "digest": "d", "bump": 1000}
    with pytest.raises(HardwayError, match="MiB needed for the restored data beside those of the member"):
        restore.Member(str(tmp_path)).prepare(state, ["/bin/false"], room.f_bavail * room.f_frsize, "root")
    assert list(tmp_path.iterdir()) == []


class Interrupted(Exception):
    """The run was killed."""


def test_an_interrupted_exchange_is_continued(
    etcd: RealEtcd, backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before and after every rename: repeated, it ends with the restored data, and the former ones are kept."""
    program, archive = load_program(), archive_of(backups)
    program.unpack(archive, tmp_path / "unpacked", None)
    params = {
        "etcdutl": str(binary("etcdutl")),
        "snapshot": str(tmp_path / "unpacked/snapshot.db"),
        "name": "m1",
        "members": {"m1": "https://127.0.0.1:1"},
        "token": "new",
        "bump": 1000,
        "database": False,
    }
    rename, left = os.rename, [0]

    def counted(source: Any, target: Any, **options: Any) -> None:
        if left[0] == 0:
            raise Interrupted
        left[0] -= 1
        rename(source, target, **options)

    for kill in range(8):
        data, wal = tmp_path / f"data{kill}", tmp_path / f"wal{kill}"
        for path, name in ((data, "member/snap/db"), (wal, "0.wal")):
            (path / name).parent.mkdir(parents=True)
            (path / name).write_text("former", encoding="utf-8")
        member = restore.Member(str(data), str(wal))
        state = {"id": "r1", "kind": "archive", "title": "a", "digest": "d", "bump": 1000}
        member.prepare(state, restore.restore_command(params), 1, "root")
        assert (data / "member/snap/db").read_text(encoding="utf-8") == "former"
        left[0] = kill
        monkeypatch.setattr(os, "rename", counted)
        ends = []
        try:
            member.exchange("r1")
            ends.append("whole")
        except Interrupted:
            ends.append(member.state("r1")["step"])
        monkeypatch.setattr(os, "rename", rename)
        member.exchange("r1")
        assert member.state("r1")["step"] == "restored", (kill, ends)
        assert restore.revision_of(params["etcdutl"], member.database()) > 1000
        assert [path.name for path in wal.glob("*.wal")] != ["0.wal"]
        for path, name in ((data, "member/snap/db"), (wal, "0.wal")):
            assert (path / "restore-r1/former" / name).read_text(encoding="utf-8") == "former"
    assert ends == ["whole"]
