# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of hardway-backup without etcd: retention, archives, encryption, stored Secrets, the claim, metrics."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.backup import load_program

program = load_program()
NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
PASSPHRASE = b"correct horse"
MIB = 1024 * 1024


def aged(*days: int) -> list[Any]:
    """Return archives of these ages."""
    return [program.Archive(f"a{day}", NOW - timedelta(days=day)) for day in days]


@pytest.mark.parametrize(
    ("count", "days", "proven", "deleted"),
    [
        (0, 0, "a1", []),
        (2, 0, "a1", ["a3", "a40"]),
        (0, 30, "a1", ["a40"]),
        (1, 1, "a1", ["a2", "a3", "a40"]),
        # The last proven one is neither the newest nor within the limits.
        (1, 30, "a40", ["a2", "a3"]),
        # None is known to be proven: the newest is kept.
        (1, 0, "", ["a2", "a3", "a40"]),
    ],
)
def test_retention_never_deletes_the_last_proven(count: int, days: int, proven: str, deleted: list[str]) -> None:
    assert program.expired(aged(40, 1, 3, 2), NOW, count, days, proven) == deleted


def test_a_single_old_archive_is_kept() -> None:
    assert program.expired(aged(400), NOW, 1, 30, "") == []


def test_only_archives_of_the_cluster_count(tmp_path: Path) -> None:
    names = ["c-20260102T030405Z.tar.gz", "c-20260101T030405Z.tar.gz.enc"]
    for name in [*names, "cc-20260101T030405Z.tar.gz", "c-20260101T030405Z.tar.gz.old", "last.json"]:
        (tmp_path / name).touch()
    assert [archive.name for archive in program.archives(tmp_path, "c")] == [names[1], names[0]]


def snapshot(size: int) -> bytes:
    """Return what etcd writes: a database and its checksum."""
    content = bytes(range(256)) * (size // 256)
    return content + hashlib.sha256(content).digest()


def write(path: Path, passphrase: bytes | None, size: int = 3 * MIB, data: bytes | None = None) -> dict[str, Any]:
    """Write an archive and return its manifest."""
    members = [program.Member("snapshot.db", data or snapshot(size)), program.Member("files/etc/sa.pub", b"key")]
    manifest = {"cluster": "c", "members": {member.name: member.described() for member in members}}
    first = program.Member("manifest.json", json.dumps(manifest).encode())
    program.write_archive(path, [first, *members], NOW, passphrase)
    return manifest


def test_the_public_keys_of_tokens_are_found(tmp_path: Path) -> None:
    """All of a file, which has two during a rotation; none where there is no file."""
    assert program.service_account_keys(tmp_path) == []
    one = "-----BEGIN PUBLIC KEY-----\nMFkw\nEwYH\n-----END PUBLIC KEY-----"
    two = "-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----"
    path = tmp_path / "etc/kubernetes/pki/sa.pub"
    path.parent.mkdir(parents=True)
    path.write_text(f"{one}\n{two}\n", encoding="ascii")
    assert program.service_account_keys(tmp_path) == [one, two]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_an_archive_is_read_as_it_was_written(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "a"
    manifest = write(path, passphrase)
    assert program.verified(path, passphrase) == manifest
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB // 2])
def test_decryption_returns_every_length(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "a", bytes(range(251)) * (size // 251 + 1)
    with path.open("wb") as stream:
        writer = program.Encrypting(stream, PASSPHRASE)
        writer.write(data[:size])
        writer.close()
    with program.archive_stream(path, PASSPHRASE) as stream:
        assert stream.read() == data[:size]


@pytest.fixture(scope="module")
def chunked(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return three encrypted chunks of a stream, the last one shorter."""
    path = tmp_path_factory.mktemp("chunks") / "a"
    with path.open("wb") as stream:
        writer = program.Encrypting(stream, PASSPHRASE)
        writer.write(b"a" * (2 * MIB + 100))
        writer.close()
    return path.read_bytes()


def tampered() -> Iterator[tuple[str, Any]]:
    """Yield ways to change an encrypted archive."""
    head, size = program.HEADER.size, MIB + 16
    for name, place in {"salt": 12, "prefix": head - 1, "first": head + 5, "tag": head + size - 1, "last": -1}.items():
        yield name, lambda data, at=place: data[:at] + bytes([data[at] ^ 1]) + data[at:][1:]
    yield "cut at a chunk", lambda data: data[: head + 2 * size]
    yield "cut inside", lambda data: data[:-50]
    yield "cut in the header", lambda data: data[:20]
    yield (
        "exchanged",
        lambda data: (
            data[:head] + data[head + size : head + 2 * size] + data[head : head + size] + data[head + 2 * size :]
        ),
    )
    yield "left out", lambda data: data[:head] + data[head + size :]
    yield "appended", lambda data: data + b"x" * 100
    yield "expensive", lambda data: data[:8] + bytes([31]) + data[9:]


@pytest.mark.parametrize(("name", "change"), list(tampered()))
def test_tampering_is_detected(chunked: bytes, tmp_path: Path, name: str, change: Any) -> None:
    path = tmp_path / "a"
    path.write_bytes(change(chunked))
    with pytest.raises(program.Failure), program.archive_stream(path, PASSPHRASE) as stream:
        stream.read()


def test_a_wrong_passphrase_is_reported(chunked: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(chunked)
    with pytest.raises(program.Failure, match="wrong passphrase"), program.archive_stream(path, b"other") as stream:
        stream.read()


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9, 0.9999])
def test_a_damaged_archive_is_refused(tmp_path: Path, where: float) -> None:
    path = tmp_path / "a"
    write(path, None)
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    with pytest.raises(program.Failure, match="take another copy"):
        program.verified(path, None)


def test_a_snapshot_that_was_damaged_before_is_refused(tmp_path: Path) -> None:
    """The manifest has its digest, so only its own checksum shows it."""
    damaged = bytearray(snapshot(MIB))
    damaged[70] ^= 1
    write(tmp_path / "a", None, data=bytes(damaged))
    with pytest.raises(program.Failure, match=r"snapshot\.db fails its own checksum"):
        program.verified(tmp_path / "a", None)


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("no archive", encoding="utf-8")
    with pytest.raises(program.Failure, match="damaged"):
        program.verified(path, None)


def test_salsa20_secretbox_opens_the_vector_of_nacl() -> None:
    """The test of NaCl's authors: tests/secretbox.c."""
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    plain = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
        "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
        "f0a089bc76897040e082f937763848645e0705"
    )
    sealed = bytes.fromhex(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
        "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
        "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    )
    assert program.open_secretbox(key, nonce + sealed, b"") == plain
    with pytest.raises(InvalidSignature):
        program.open_secretbox(key, nonce + sealed[:-1] + b"x", b"")


KEY = bytes(range(32))
CONFIGURATION = f"""
# managed
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - "secrets"
    providers:
      - secretbox:
          keys:
            - name: key1
              secret: "{base64.b64encode(KEY).decode()}"
            - name: key2
              secret: {base64.b64encode(KEY[::-1]).decode()}
      - aescbc:
          keys:
            - name: key1
              secret: '{base64.b64encode(KEY).decode()}'
      - identity: {{}}
"""


def test_the_keys_of_the_encryption_configuration_are_read() -> None:
    keys = program.encryption_keys(CONFIGURATION)
    assert keys == [("secretbox", "key1", KEY), ("secretbox", "key2", KEY[::-1]), ("aescbc", "key1", KEY)]


def test_a_stored_secret_is_decrypted_by_its_own_key_only() -> None:
    plain, path = b"k8s\x00 content", "/registry/secrets/a/b"
    pad = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(b"i" * 16)).encryptor()
    cbc = b"i" * 16 + encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
    gcm = b"n" * 12 + AESGCM(KEY).encrypt(b"n" * 12, plain, path.encode())
    stored = {"aescbc": b"k8s:enc:aescbc:v1:key1:" + cbc, "aesgcm": b"k8s:enc:aesgcm:v1:key1:" + gcm}
    for provider, value in stored.items():
        right, wrong = program.Key(provider, "key1", KEY), program.Key(provider, "key1", KEY[::-1])
        assert program.decrypted(path, value, [right]) == right
        with pytest.raises(program.Failure, match="does not decrypt it"):
            program.decrypted(path, value, [wrong])
        with pytest.raises(program.Failure, match="is not in the encryption configuration"):
            program.decrypted(path, value, [right._replace(name="key9")])
    # Bound to its path, as the API server does.
    with pytest.raises(program.Failure):
        program.decrypted("/registry/secrets/a/c", stored["aesgcm"], [program.Key("aesgcm", "key1", KEY)])
    assert program.decrypted(path, plain, []) is None


class FakeEtcd:
    """etcdctl of which the transactions are answered from a list."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        """Remember them."""
        self.answers, self.transactions, self.revoked = list(answers), list[str](), 0

    def json(self, *words: str, stdin: str = "") -> dict[str, Any]:
        """Return the next answer to a transaction."""
        if words[:2] == ("lease", "grant"):
            return {"ID": 171}
        self.transactions.append(stdin)
        return self.answers.pop(0)

    def run(self, *words: str) -> str:
        """Count what is revoked."""
        assert words == ("lease", "revoke", "ab")
        self.revoked += 1
        return ""

    def command(self, *_words: str, quick: bool = True) -> list[str]:
        """Return what keeps the lease alive."""
        return ["sleep", "60"]


def there(**records: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a transaction that failed, as the keys were there."""
    pairs = [
        {
            "key": base64.b64encode(f"/hardway/backup/{name}".encode()),
            "value": base64.b64encode(json.dumps(record).encode()),
        }
        for name, record in records.items()
    ]
    return {"header": {"revision": 5}, "responses": [{"Response": {"response_range": {"kvs": pairs}}}]}


def claim(etcd: FakeEtcd, scheduled: bool = True) -> Any:
    """Return a claim of m1."""
    return program.Claim(program.Settings("c", "m1", "/d", [], "", "", "", claim_timeout=0), etcd, scheduled)


def test_the_first_host_claims_the_backup_and_publishes_it() -> None:
    etcd = FakeEtcd({"succeeded": True, "header": {"revision": 9}}, {"succeeded": True})
    with claim(etcd) as mine:
        assert mine.other() is None
        mine.finish({"archive": "/a"})
    first, last = etcd.transactions
    assert first.startswith(
        'version("/hardway/backup/running") = "0"\nversion("/hardway/backup/scheduled") = "0"\n\nput'
    )
    assert last.startswith('mod("/hardway/backup/running") = "9"\n\nput /hardway/backup/last')
    assert "put /hardway/backup/scheduled" in last and etcd.revoked == 1


def test_a_backup_by_hand_leaves_that_of_the_period_to_the_timer() -> None:
    etcd = FakeEtcd({"succeeded": True, "header": {"revision": 9}}, {"succeeded": True})
    with claim(etcd, scheduled=False) as mine:
        assert mine.other() is None
        mine.finish({"archive": "/a"})
    assert "scheduled" not in etcd.transactions[0].partition("\n\n")[0] + etcd.transactions[1]


def test_the_others_find_the_backup_of_the_period() -> None:
    etcd = FakeEtcd(there(scheduled={"host": "m2", "archive": "/b"}))
    with claim(etcd) as mine:
        assert mine.other() == {"host": "m2", "archive": "/b"}
    assert etcd.revoked == 1


def test_an_endless_backup_of_another_host_is_named() -> None:
    mine = claim(FakeEtcd(there(running={"host": "m2"}), there(running={"host": "m2"})))
    with pytest.raises(program.Failure, match="m2 has been taking a backup for 0 s; check hardway-backup there"):
        mine.other()


def test_a_failure_keeps_the_last_success_in_the_metrics(tmp_path: Path) -> None:
    textfile = tmp_path / "backup.prom"
    settings = program.Settings("c", "m1", str(tmp_path), [], "", "", "", textfile=str(textfile))
    program.write_metrics(
        settings, {"time": 1700000000, "size": 5, "revision": 7, "restore_seconds": 0.5}, success=True
    )
    before = textfile.read_text(encoding="utf-8")
    program.write_metrics(settings, program.former_record(settings), success=False)
    after = textfile.read_text(encoding="utf-8")
    assert before.replace("hardway_backup_success 1", "hardway_backup_success 0") == after != before
    assert "hardway_backup_last_success_timestamp_seconds 1700000000\n" in after


def test_a_passphrase_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"secret\n")
    path.chmod(0o640)
    with pytest.raises(program.Failure, match="chmod 0600"):
        program.read_passphrase(str(path))
    path.chmod(0o600)
    assert program.read_passphrase(str(path)) == b"secret"


@pytest.mark.parametrize("parent_ends", [False, True])
def test_no_child_starts_when_the_program_was_killed_just_after_the_fork(parent_ends: bool) -> None:
    """Then the kernel's signal, which the child asks for after the fork, never comes."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        in_child, me = program.end_with_this(), os.getpid()
        if os.fork():
            if not parent_ends:
                os.wait()
            os._exit(0)
        while parent_ends and os.getppid() == me:
            time.sleep(0.001)
        in_child()
        os.write(writer, b"started")
        os._exit(0)
    os.close(writer)
    os.waitpid(parent, 0)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == (b"" if parent_ends else b"started")
