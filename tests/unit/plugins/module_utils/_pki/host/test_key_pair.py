# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of key and certificate on a host."""

from __future__ import annotations

import errno
import os
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import install, requests_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.key_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import Facts
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import new_key

CA_KEY = new_key(KeySpec("ecdsa", 256))
CA = issue.root(Subject.from_params("ca", [], "ca"), CA_KEY, timedelta(days=10))


def pair(directory: Path, **changes: t.Any) -> Pair:
    """Return the pair of a client's certificate in directory."""
    params = {"path": str(directory / "c"), "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
    return Pair(CertificateSpec.from_params({**params, **changes}))


def sign(target: Pair, *, renew_key: bool = False) -> bytes:
    """Return the controller's certificate for the pair's CSR."""
    return answer(target, target.request(renew_key=renew_key))


def answer(target: Pair, request: bytes) -> bytes:
    """Return the certificate for a CSR."""
    return certificate_pem(issue.leaf(target.spec, issue.request_key(request, target.spec), CA, CA_KEY))


def good(target: Pair) -> bool:
    """Return whether key and certificate are in place and belong together."""
    found = target.facts(CA)
    return isinstance(found, Facts) and found.key_matches and bool(found.by_ca)


def names(directory: Path) -> list[str]:
    """Return the names of all files."""
    return sorted(path.name for path in directory.iterdir())


def test_issued_and_renewed_with_the_same_key(tmp_path: Path) -> None:
    """The first run creates a key, the next keeps it; no temporary file is left."""
    target = pair(tmp_path)
    install([(target, sign(target))])
    key = (tmp_path / "c.key").read_bytes()
    install([(target, sign(target))])
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() == key
    assert names(tmp_path) == ["c.crt", "c.key"]
    assert (tmp_path / "c.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "c.crt").stat().st_mode & 0o777 == 0o644


def test_a_new_key_on_demand_and_for_another_type(tmp_path: Path) -> None:
    """Until the certificate is installed, the old pair stays in use."""
    target = pair(tmp_path)
    install([(target, sign(target))])
    first = (tmp_path / "c.key").read_bytes()
    signed = sign(target, renew_key=True)
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() == first
    install([(target, signed)])
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() != first
    other = pair(tmp_path, key={"algo": "ed25519"})
    install([(other, sign(other))])
    assert good(other)
    assert names(tmp_path) == ["c.crt", "c.key"]


def test_contents_are_synced_before_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several pairs, everything is on the disk before any has its name, and a directory after all of its names."""
    targets = {name: pair(tmp_path, path=str(tmp_path / name)) for name in ("a", "b")}
    log: list[str] = []
    for module, name in ((atomic_files, "sync"), (os, "replace"), (atomic_files, "sync_directory")):
        done = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *paths, name=name, done=done, **at: (log.append(name), done(*paths, **at))
        )
    requests = requests_of(targets, renew_key=False)
    assert log == ["replace"] * 2 + ["sync"] * 2
    log.clear()
    install([(target, answer(target, requests[name].encode())) for name, target in targets.items()])
    assert log == ["sync"] * 2 + ["replace"] * 4 + ["sync_directory"]
    assert names(tmp_path) == ["a.crt", "a.key", "b.crt", "b.key"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is noticed when contents are synced; no name has changed then."""
    target = pair(tmp_path)
    install([(target, sign(target))])
    before = (tmp_path / "c.crt").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(HardwayError, match="cannot write: No space left; free disk space"):
        install([(target, sign(target))])
    assert (tmp_path / "c.crt").read_bytes() == before
    assert names(tmp_path) == ["c.crt", "c.key"]


def test_a_foreign_certificate_is_refused(tmp_path: Path) -> None:
    """A certificate for another key leaves the pair as it is."""
    target, other = pair(tmp_path), pair(tmp_path / "other")
    install([(target, sign(target))])
    with pytest.raises(HardwayError, match="belongs to no key"):
        target.candidate(sign(other), CA)
    assert good(target)


@pytest.mark.parametrize("name", ["c.crt", "c.key"])
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_damaged_files_are_reissued(tmp_path: Path, name: str, content: bytes) -> None:
    """A host's own files are replaceable, so damage is repaired rather than reported."""
    target = pair(tmp_path)
    install([(target, sign(target))])
    (tmp_path / name).write_bytes(content)
    assert not good(target)
    install([(target, sign(target))])
    assert good(target)


def test_a_key_with_open_mode_is_noticed(tmp_path: Path) -> None:
    """A key that others may read is a change, without a new certificate."""
    target = pair(tmp_path)
    install([(target, sign(target))])
    (tmp_path / "c.key").chmod(0o644)
    assert target.attributes() == ["attributes: c.key is not 0600 of its owner"]
    target.fix_attributes()
    assert target.attributes() == []
