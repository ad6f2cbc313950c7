# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hardway-backup against a real etcd: proven backups, and every way in which one must not count."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.api.programs import RealEtcd, binary, need_programs
from tests.support.backup import Backups, load_program, verify

pytestmark = pytest.mark.slow
AES_KEY = bytes(range(32))
CONFIGURATION = f"""
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - "secrets"
    providers:
      - aesgcm:
          keys:
            - name: key1
              secret: "{base64.b64encode(AES_KEY).decode()}"
      - identity: {{}}
"""
SECRET = "/registry/secrets/default/database"


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEtcd]:
    """Start one member with some keys and a history."""
    need_programs("etcd", "etcdctl", "etcdutl")
    member = RealEtcd(tmp_path_factory.mktemp("etcd"), size=1)
    member.start("m1")
    try:
        member.programs.wait_until("m1", lambda: etcdctl(member, "endpoint", "health", check=False) != "")
        for number in range(40):
            etcdctl(member, "put", f"/registry/pods/{number % 20}", f"{number} " + "x" * 500)
        etcdctl(member, "del", "/registry/pods/7")
        yield member
    finally:
        member.programs.stop_all()


@pytest.fixture(autouse=True)
def no_period(etcd: RealEtcd) -> None:
    """Let each test begin without a backup of this period."""
    etcdctl(etcd, "del", "--prefix", "/hardway/backup/")


def etcdctl(etcd: RealEtcd, *words: str, check: bool = True, stdin: bytes = b"") -> str:
    """Return what etcdctl prints."""
    given = etcd.arguments()
    tls = [f"--{flag}={given[name]}" for flag, name in (("cacert", "ca"), ("cert", "cert"), ("key", "key"))]
    line = [str(binary("etcdctl")), f"--endpoints={etcd.endpoints[0]}", *tls, *words]
    done = subprocess.run(line, input=stdin, capture_output=True, check=check)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def put_bytes(etcd: RealEtcd, key: str, value: bytes) -> None:
    """Write any bytes."""
    etcdctl(etcd, "put", key, stdin=value)


def members(archive: Path) -> dict[str, bytes]:
    """Return the files of an archive."""
    with tarfile.open(archive) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def test_a_backup_is_restored_and_compared_before_it_counts(etcd: RealEtcd, tmp_path: Path) -> None:
    backups = Backups(etcd, tmp_path)
    done = backups.run()
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    (name,) = backups.names()
    archive = backups.directory / name
    assert archive.stat().st_mode & 0o777 == 0o600
    found = members(archive)
    manifest = json.loads(found["manifest.json"])
    status = json.loads(etcdctl(etcd, "endpoint", "status", "-w", "json"))[0]["Status"]
    # 19 pods, and the key of the running backup.
    assert (manifest["keys"], manifest["cluster"], manifest["host"]) == (20, "test", "m1")
    assert 0 < manifest["revision"] <= status["header"]["revision"]
    assert manifest["versions"]["etcd"] == status["version"]
    assert set(manifest["members"]) == set(found) - {"manifest.json"}
    assert backups.metric("success") == 1 and backups.metric("revision") == manifest["revision"]
    assert abs(backups.metric("last_success_timestamp_seconds") - time.time()) < 60
    assert backups.metric("size_bytes") == archive.stat().st_size
    assert verify(archive).returncode == 0
    # Another program restores it, and finds what the source had at that revision.
    (tmp_path / "s.db").write_bytes(found["snapshot.db"])
    restore = [str(binary("etcdutl")), "snapshot", "restore", "s.db", "--data-dir=r"]
    subprocess.run(restore, cwd=tmp_path, check=True, capture_output=True)


def test_a_secret_is_decrypted_and_a_lost_key_refuses_the_backup(etcd: RealEtcd, tmp_path: Path) -> None:
    configuration = tmp_path / "encryption.yaml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    nonce = b"n" * 12
    sealed = AESGCM(AES_KEY).encrypt(nonce, b"k8s\x00 the content", SECRET.encode())
    put_bytes(etcd, SECRET, b"k8s:enc:aesgcm:v1:key1:" + nonce + sealed)
    try:
        backups = Backups(etcd, tmp_path, encryption=str(configuration), files=[str(configuration)])
        done = backups.run()
        assert done.returncode == 0 and "one Secret decrypted by aesgcm, key key1" in done.stdout, done
        (name,) = backups.names()
        assert members(backups.directory / name)[f"files{configuration}"].decode() == CONFIGURATION

        wrong = base64.b64encode(b"w" * 32).decode()
        configuration.write_text(CONFIGURATION.replace(base64.b64encode(AES_KEY).decode(), wrong), encoding="utf-8")
        done = backups.run("--now")
        assert done.returncode == 1 and f"{SECRET}: key key1 (aesgcm) does not decrypt it" in done.stderr
        assert wrong not in done.stdout + done.stderr and backups.names() == [name]
        assert backups.metric("success") == 0 and backups.metric("last_success_timestamp_seconds") > 0
    finally:
        etcdctl(etcd, "del", SECRET)


def test_hosts_share_one_backup_of_a_period(etcd: RealEtcd, tmp_path: Path) -> None:
    hosts = [Backups(etcd, tmp_path / name, host=name) for name in ("m1", "m2", "m3")]
    with ThreadPoolExecutor() as pool:
        ends = list(pool.map(Backups.run, hosts))
    assert [done.returncode for done in ends] == [0, 0, 0], ends
    assert sum(len(host.names()) for host in hosts) == 1
    assert sum("has taken the backup of this period" in done.stdout for done in ends) == 2
    # Every host reports the backup that the cluster has.
    assert len({host.metric("last_success_timestamp_seconds") for host in hosts}) == 1
    assert all(host.metric("success") == 1 for host in hosts)
    # An operator gets one in any case, also while another is taken.
    assert hosts[0].run("--now").returncode == 0
    assert sum(len(host.names()) for host in hosts) == 2 or len(hosts[0].names()) == 1


def test_another_host_takes_over_after_a_failure(etcd: RealEtcd, tmp_path: Path) -> None:
    slow = tmp_path / "etcd"
    slow.write_text("#!/bin/sh\nsleep 3\nexit 1\n", encoding="utf-8")
    slow.chmod(0o755)
    broken = Backups(etcd, tmp_path / "m1", host="m1", etcd=str(slow))
    second = Backups(etcd, tmp_path / "m2", host="m2")
    with subprocess.Popen(broken.command(), stderr=subprocess.PIPE, text=True) as first:
        while not etcdctl(etcd, "get", "/hardway/backup/running"):
            assert first.poll() is None
        done = second.run()
        assert first.wait(60) == 1
    assert "waiting for the backup that m1 is taking" in done.stdout
    assert done.returncode == 0 and len(second.names()) == 1 and broken.names() == []


def test_a_corrupt_snapshot_is_refused(etcd: RealEtcd, tmp_path: Path) -> None:
    """etcdctl that flips one byte of the snapshot that it has saved."""
    corrupt = tmp_path / "etcdctl"
    corrupt.write_text(
        f"""#!/bin/sh
{binary("etcdctl")} "$@" || exit
for last; do :; done
case "$*" in *"snapshot save"*) printf X | dd of="$last" bs=1 seek=9000 conv=notrunc 2>/dev/null;; esac
""",
        encoding="utf-8",
    )
    corrupt.chmod(0o755)
    backups = Backups(etcd, tmp_path, etcdctl=str(corrupt))
    done = backups.run()
    assert done.returncode == 1 and "snapshot: cannot be restored (etcdutl: expected sha256" in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert backups.names() == [] and backups.metric("success") == 0


def test_a_snapshot_of_other_content_is_refused(etcd: RealEtcd, tmp_path: Path) -> None:
    """The snapshot is intact, but not of this etcd: its keys are others."""
    program = load_program()
    here, there = program.Content(20, 1234, 5), program.Content(20, 1235, 5)
    program.compare(here, here)
    with pytest.raises(program.Failure, match="hash is 1235 and not 1234 as in the source"):
        program.compare(here, there)


def test_the_source_may_be_compacted_meanwhile(etcd: RealEtcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash depends on compaction, which the copy then repeats. Beyond the snapshot, another one is taken."""
    program = load_program()
    backups = Backups(etcd, tmp_path)
    wait, compacted = program.wait_until_it_serves, []

    def compact(revision: int) -> None:
        compacted.append(revision)
        etcdctl(etcd, "compact", str(revision), "--physical")
        # etcd stores the hash of a compaction a moment after it.
        time.sleep(0.3)

    def compacting(*given: Any) -> None:
        wait(*given)
        now = json.loads(etcdctl(etcd, "get", "/none", "-w", "json"))["header"]["revision"]
        if len(compacted) == 2:
            compact(now - 1)
        elif compacted[0] < now:
            compact(json.loads(etcdctl(etcd, "put", "/registry/pods/1", "new", "-w", "json"))["header"]["revision"])
            etcdctl(etcd, "put", "/registry/pods/1", "newer")

    def compact_now(*_given: Any) -> None:
        compact(json.loads(etcdctl(etcd, "get", "/none", "-w", "json"))["header"]["revision"])

    # Compacted at the revision of the first snapshot, beyond the second one, before the third one.
    monkeypatch.setattr(program, "check_room", compact_now)
    monkeypatch.setattr(program, "wait_until_it_serves", compacting)
    assert program.main(["run", "--settings", str(backups.settings)]) == 0
    assert len(compacted) == 3 and len(backups.names()) == 1
    manifest = json.loads(members(backups.directory / backups.names()[0])["manifest.json"])
    assert manifest["compact_revision"] == compacted[-1] < manifest["revision"]


def test_keys_that_are_rotated_meanwhile_are_those_of_the_snapshot(
    etcd: RealEtcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive has the keys that its snapshot may need: after a change, another snapshot is taken."""
    program, path = load_program(), tmp_path / "encryption.yaml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    backups = Backups(etcd, tmp_path, files=[str(path)])
    wait, served = program.wait_until_it_serves, []

    def rotating(*given: Any) -> None:
        wait(*given)
        path.write_text(f"# {len(served)}\n" if len(served) < 2 else path.read_text(encoding="utf-8"), encoding="utf-8")
        served.append(json.loads(etcdctl(etcd, "put", "/registry/pods/1", "x", "-w", "json"))["header"]["revision"])

    monkeypatch.setattr(program, "wait_until_it_serves", rotating)
    assert program.main(["run", "--settings", str(backups.settings)]) == 0
    (name,) = backups.names()
    found = members(backups.directory / name)
    assert found[f"files{path}"] == b"# 1\n"
    assert len(served) == 3 and json.loads(found["manifest.json"])["revision"] >= served[1]


def test_without_room_nothing_is_written(
    etcd: RealEtcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = load_program()
    backups = Backups(etcd, tmp_path)
    monkeypatch.setattr(program, "room", lambda _directory: 100 * 1024 * 1024)
    assert program.main(["run", "--settings", str(backups.settings)]) == 1
    said = capsys.readouterr().err
    assert "100 MiB free, 130 MiB needed" in said and len(said.strip().splitlines()) == 1
    assert backups.names() == [] and backups.metric("success") == 0
    assert etcdctl(etcd, "get", "--prefix", "/hardway/backup/") == ""


@pytest.mark.needs_root
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    etcd: RealEtcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = load_program()
    backups = Backups(etcd, tmp_path)
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(backups.directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no permission to mount a tmpfs")
    try:
        monkeypatch.setattr(program, "check_room", lambda *_given: None)
        assert program.main(["run", "--settings", str(backups.settings)]) == 1
        said = capsys.readouterr().err
        assert "no space left on device" in said.lower() and len(said.strip().splitlines()) == 1, said
        assert backups.names() == []
    finally:
        subprocess.run(["umount", str(backups.directory)], check=True)


def command_lines_with(text: str) -> list[bytes]:
    """Return the command lines of the processes that have this text in theirs."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes())
    return [line for line in lines if text.encode() in line]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("step", ["snapshot.db", "restored", "proof.log"])
def test_a_killed_run_leaves_no_archive_and_the_next_one_works(
    etcd: RealEtcd, tmp_path: Path, how: signal.Signals, step: str
) -> None:
    backups = Backups(etcd, tmp_path)
    with subprocess.Popen(backups.command(), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not list(backups.directory.glob(f".work-*/{step}*")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(how)
        process.wait(30)
    assert process.returncode == (1 if how == signal.SIGTERM else -how)
    left = backups.names()
    assert [name for name in left if not name.startswith(".")] == []
    if how == signal.SIGTERM:
        assert left == []
    # Its children end with it: no etcd goes on, and nothing keeps the claim.
    deadline = time.monotonic() + 10
    while children := command_lines_with(str(backups.directory)):
        assert time.monotonic() < deadline, children
        time.sleep(0.05)
    done = backups.run("--now")
    assert done.returncode == 0, done.stderr
    assert len(backups.names()) == 1


def test_an_encrypted_archive_needs_its_passphrase(etcd: RealEtcd, tmp_path: Path) -> None:
    secret, wrong = tmp_path / "passphrase", tmp_path / "wrong"
    for path, text in ((secret, "correct horse\n"), (wrong, "battery staple\n")):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    backups = Backups(etcd, tmp_path, passphrase_file=str(secret))
    assert backups.run().returncode == 0
    (name,) = backups.names()
    archive = backups.directory / name
    assert name.endswith(".tar.gz.enc") and b"registry" not in archive.read_bytes()
    assert verify(archive, "--passphrase-file", str(secret)).returncode == 0
    refused = verify(archive, "--passphrase-file", str(wrong))
    assert refused.returncode == 1 and "wrong passphrase" in refused.stderr
    assert "give the file of the passphrase" in verify(archive).stderr
    secret.chmod(0o644)
    done = backups.run("--now")
    assert done.returncode == 1 and "others can read the passphrase" in done.stderr


def test_with_users_and_roles_root_takes_the_backup(tmp_path: Path) -> None:
    """The restored copy asks for users, too."""
    member = RealEtcd(tmp_path, size=1)
    root = member.ca.issue("root", "root")
    member.start("m1")
    try:
        member.programs.wait_until("m1", lambda: etcdctl(member, "endpoint", "health", check=False) != "")
        etcdctl(member, "user", "add", "root", "--no-password")
        etcdctl(member, "auth", "enable")
        refused = Backups(member, tmp_path / "other").run()
        assert refused.returncode == 1 and "permission denied" in refused.stderr, refused.stderr
        backups = Backups(member, tmp_path / "root", cert=f"{root}.crt", key=f"{root}.key")
        done = backups.run()
        assert done.returncode == 0 and len(backups.names()) == 1, done.stderr
    finally:
        member.programs.stop_all()


def test_old_archives_are_deleted_and_the_new_one_is_pushed(etcd: RealEtcd, tmp_path: Path) -> None:
    target = tmp_path / "pushed"
    backups = Backups(etcd, tmp_path, keep_count=2, push=["cp", "{archive}", str(target)])
    old = [f"test-2020010{day}T000000Z.tar.gz" for day in range(1, 5)]
    for name in [*old, "other-20200101T000000Z.tar.gz", "notes.txt"]:
        (backups.directory / name).write_text("old", encoding="utf-8")
    assert backups.run().returncode == 0
    (new,) = set(backups.names()) - {*old, "other-20200101T000000Z.tar.gz", "notes.txt"}
    assert backups.names() == ["notes.txt", "other-20200101T000000Z.tar.gz", old[-1], new]
    assert target.read_bytes() == (backups.directory / new).read_bytes()

    refusing = Backups(etcd, tmp_path, push=["sh", "-c", "echo no quota >&2; exit 3"])
    done = refusing.run("--now")
    assert done.returncode == 1 and "backup_push: sh failed with status 3 (no quota)" in done.stderr
    assert len(refusing.names()) in (4, 5) and refusing.metric("success") == 0
    assert verify(refusing.directory / refusing.names()[-1]).returncode == 0
