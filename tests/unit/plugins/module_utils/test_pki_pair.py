# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of key and certificate survives a kill at any moment."""

from __future__ import annotations

import contextlib
import os
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils import _csr
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_compare import Facts
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import CertificateSpec, KeySpec, Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import certificate_pem, new_key

CA_KEY = new_key(KeySpec("ecdsa", 256))
CA = _csr.root(Subject.from_params("ca", [], "ca"), CA_KEY, timedelta(days=10))


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code may catch and mend it."""


def pair(directory: Path, **changes: t.Any) -> Pair:
    """Return the pair of a client's certificate in directory."""
    params = {"path": str(directory / "c"), "authority": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
    return Pair(CertificateSpec.from_params({**params, **changes}))


def sign(target: Pair, *, renew_key: bool = False) -> bytes:
    """Return what the controller makes of the pair's request."""
    request = target.request(renew_key=renew_key)
    return certificate_pem(_csr.leaf(target.spec, _csr.request_key(request, target.spec), CA, CA_KEY))


def good(target: Pair) -> bool:
    """True when key and certificate are in place and belong together."""
    found = target.facts(CA)
    return isinstance(found, Facts) and found.key_matches and bool(found.by_authority)


def names(directory: Path) -> list[str]:
    """Return the names of all files."""
    return sorted(path.name for path in directory.iterdir())


def test_made_and_renewed_with_the_same_key(tmp_path: Path) -> None:
    """The first run makes a key, the next keeps it; nothing is left waiting."""
    target = pair(tmp_path)
    target.install(sign(target))
    key = (tmp_path / "c.key").read_bytes()
    target.install(sign(target))
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() == key
    assert names(tmp_path) == ["c.crt", "c.key"]
    assert (tmp_path / "c.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "c.crt").stat().st_mode & 0o777 == 0o644


def test_new_key_on_demand_and_for_another_kind(tmp_path: Path) -> None:
    """Until the certificate comes, the old pair stays in use."""
    target = pair(tmp_path)
    target.install(sign(target))
    first = (tmp_path / "c.key").read_bytes()
    signed = sign(target, renew_key=True)
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() == first
    target.install(signed)
    assert good(target)
    assert (tmp_path / "c.key").read_bytes() != first
    other = pair(tmp_path, key={"algo": "ed25519"})
    other.install(sign(other))
    assert good(other)
    assert names(tmp_path) == ["c.crt", "c.key"]


@pytest.mark.parametrize("renew_key", [False, True])
@pytest.mark.parametrize("first", [True, False])
def test_a_kill_at_any_rename_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renew_key: bool, first: bool
) -> None:
    """Wherever the process dies, the next run finds or completes a good pair."""
    for deadly in range(1, 9):
        directory = tmp_path / str(deadly)
        directory.mkdir()
        target = pair(directory)
        if not first:
            target.install(sign(target))
        with monkeypatch.context() as patch:
            calls = deadly_replace(patch, deadly)
            with contextlib.suppress(Killed):
                target.install(sign(target, renew_key=renew_key))
        completed = calls[0] < deadly
        if not first and not renew_key:
            assert good(target), "a renewal never breaks the pair in use, not even for a moment"
        again = pair(directory)
        again.recover()
        assert first or good(again)
        again.install(sign(again, renew_key=renew_key))
        assert good(again)
        assert names(directory) == ["c.crt", "c.key"]
        if completed:
            return
    raise AssertionError("the kill never missed: raise the range")


def deadly_replace(patch: pytest.MonkeyPatch, deadly: int) -> list[int]:
    """Make the deadly-th rename kill; return the growing count of renames."""
    calls, replace = [0], os.replace

    def counted(source: str, target: str) -> None:
        calls[0] += 1
        if calls[0] == deadly:
            raise Killed
        replace(source, target)

    patch.setattr(os, "replace", counted)
    return calls


def test_a_foreign_certificate_is_not_installed(tmp_path: Path) -> None:
    """A certificate for another key leaves the pair as it is."""
    target, other = pair(tmp_path), pair(tmp_path / "other")
    target.install(sign(target))
    with pytest.raises(HardwayError, match="belongs to no key"):
        target.install(sign(other))
    assert good(target)


@pytest.mark.parametrize("name", ["c.crt", "c.key"])
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_damaged_files_are_made_again(tmp_path: Path, name: str, content: bytes) -> None:
    """A host's own files are replaceable, so damage is mended rather than reported."""
    target = pair(tmp_path)
    target.install(sign(target))
    (tmp_path / name).write_bytes(content)
    assert not good(target)
    target.install(sign(target))
    assert good(target)


def test_open_key_is_noticed(tmp_path: Path) -> None:
    """A key that others may read is a change, without a new certificate."""
    target = pair(tmp_path)
    target.install(sign(target))
    (tmp_path / "c.key").chmod(0o644)
    assert target.attributes() == ["attributes: c.key is not 0600 of its owner"]
    target.fix_attributes()
    assert target.attributes() == []
