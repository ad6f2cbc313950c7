# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad inputs: each is one error in one line with object, reason and remedy, and no file is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import Usages
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    key_pem,
    key_spec,
    load_key,
    new_key,
)

from tests.support.ca.bad_inputs import BROKEN, CAS, CERTIFICATES, LISTS, REQUESTS
from tests.support.ca.in_process import call, files
from tests.support.ca.playbook import matches, openssl

SERVER = {"ca": "ca", "profile": "server", "common_name": "a", "sans": ["a"], "expiry": "30d"}


def root_like(key: Any, validity: timedelta, **changes: Any) -> bytes:
    """Return a CA for a key whose profile has something changed."""
    profile = replace(issue.root_profile("ecdsa"), **changes)
    spec = CertificateSpec("", "", Subject.from_params("ca", [], ""), (), key_spec(key), validity, profile)
    return certificate_pem(issue.self_signed(spec, key))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with CAs, a certificate, a CSR, and files to break others with."""
    top = tmp_path_factory.mktemp("good")
    cas = [
        {"name": "ca", "expiry": "100d"},
        {"name": "servers", "signed_by": "ca", "usages": ["server auth"], "path_length": 0, "expiry": "90d"},
        {"name": "mute", "usages": ["cert sign"]},
    ]
    call("pki_ca", ca_dir=str(top / "pki"), cas=cas, key_pairs=[{"name": "sa"}])
    call("pki_certificate", ca_dir=str(top / "pki"), certificates=[{**SERVER, "path": str(top / "host/a")}])
    key = load_key((top / "pki/ca.key").read_bytes(), "")
    root = load_certificate((top / "pki/ca.crt").read_bytes(), "")
    parts = top / "parts"
    parts.mkdir()
    params = {"path": "x", "ca": "ca", "profile": "client", "common_name": "x"}
    leaf = issue.leaf(CertificateSpec.from_params(params), key.public_key(), root, key)
    content = {
        "expired.crt": root_like(key, timedelta(minutes=3)),
        "future.crt": root_like(key, timedelta(days=9), backdate=timedelta(days=-5)),
        "nosign.crt": root_like(key, timedelta(days=9), usages=Usages(frozenset({"digital_signature"}), ())),
        "leaf.crt": certificate_pem(leaf),
        "other.key": key_pem(new_key(KeySpec("ecdsa", 256))),
        "encrypted.key": key_pem(key, "secret"),
        "truncated.crt": (top / "pki/ca.crt").read_bytes()[:300],
        "truncated.key": (top / "pki/ca.key").read_bytes()[:100],
        "empty": b"",
        "garbage": b"garbage\xff",
        "damaged.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "bad.json": b'{"CN": "a",}',
        "serials": b"12\nzz\n",
        "long": b"9" * 5000,
    }
    for name, data in content.items():
        (parts / name).write_bytes(data)
    new = ["req", "-new", "-nodes", "-keyout", parts / "r.key", "-subj", "/CN=a"]
    openssl(*new, "-newkey", "rsa:1024", "-out", parts / "weak.csr")
    openssl(*new, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", parts / "good.csr")
    openssl(*new, "-key", parts / "r.key", "-addext", "basicConstraints=critical,CA:TRUE", "-out", parts / "ca.csr")
    lines = (parts / "good.csr").read_text().splitlines()
    lines[-2] = lines[-2][:4] + ("B" if lines[-2][4] != "B" else "C") + lines[-2][5:]
    (parts / "tampered.csr").write_text("\n".join(lines) + "\n")
    return top


@pytest.fixture
def top(made: Path, tmp_path: Path) -> Path:
    """Return a copy of that directory, to be broken."""
    return Path(shutil.copytree(made, tmp_path / "top"))


def refused(top: Path, module: str, message: str, **params: Any) -> None:
    """The module refuses, for real and with the same error in check mode or with none there, and touches nothing."""
    text = json.dumps(params).replace("TOP", str(top))
    before = files(top)
    with pytest.raises(HardwayError, match=message) as one:
        call(module, **json.loads(text))
    said = str(one.value)
    assert "\n" not in said
    assert "PRIVATE KEY" not in said
    remedy = re.search("; |: must be |: set exactly one of ", said)
    assert remedy or said.startswith("value of "), "an error says what to do"
    assert files(top) == before


@pytest.mark.parametrize(("changes", "options", "message"), CERTIFICATES)
def test_invalid_certificates_are_refused(
    top: Path, changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    """No certificate is issued."""
    entry = {**SERVER, "path": "TOP/host/a", **changes}
    refused(
        top,
        "pki_certificate",
        message,
        **{"ca_dir": "TOP/pki", "certificates": [entry], "force": True, **options},
    )


@pytest.mark.parametrize(("source", "target", "options", "message"), BROKEN)
def test_broken_cas_are_refused(top: Path, source: str, target: str, options: dict[str, Any], message: str) -> None:
    """A damaged CA neither signs nor is replaced."""
    shutil.copy(top / "parts" / source, top / "pki" / target)
    entry = {**SERVER, "path": "TOP/host/a"}
    refused(top, "pki_certificate", message, ca_dir="TOP/pki", certificates=[entry], force=True, **options)
    refused(top, "pki_ca", message, ca_dir="TOP/pki", cas=[{"name": "ca"}], renew=True, **options)


@pytest.mark.parametrize(("params", "message"), CAS)
def test_invalid_cas_are_refused(top: Path, params: dict[str, Any], message: str) -> None:
    """No CA is created, and existing ones stay."""
    if "name" in params:
        params = {"cas": [params]}
    refused(top, "pki_ca", message, **{"ca_dir": "TOP/pki", **params})


@pytest.mark.parametrize(("changes", "message"), REQUESTS)
def test_invalid_csrs_are_refused(top: Path, changes: dict[str, Any], message: str) -> None:
    """Nothing is signed."""
    entry = {"request": "TOP/parts/good.csr", "path": "TOP/out.crt", "ca": "ca", "profile": "client", **changes}
    refused(top, "pki_sign", message, ca_dir="TOP/pki", certificates=[entry])


@pytest.mark.parametrize(("params", "message"), LISTS)
def test_invalid_revocation_lists_are_refused(top: Path, params: dict[str, Any], message: str) -> None:
    """No list is written."""
    refused(top, "pki_crl", message, **{"ca_dir": "TOP/pki", "ca": "ca", **params})


def test_there_are_at_least_sixty_bad_inputs() -> None:
    """The number cannot shrink unnoticed."""
    assert sum(map(len, (CERTIFICATES, BROKEN, CAS, REQUESTS, LISTS))) >= 60


@contextmanager
def full(directory: Path) -> Iterator[None]:
    """Put the content of a directory on a full file system of its own."""
    held = Path(shutil.copytree(directory, directory.with_suffix(".held")))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(directory)], check=True)
    try:
        shutil.copytree(held, directory, dirs_exist_ok=True)
        with (directory / "filler").open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space left"):
            while True:
                stream.write(b"x" * 512)
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize("place", ["pki", "host"])
def test_a_full_disk_loses_no_file(top: Path, place: str) -> None:
    """Neither a CA nor a host without free space loses its files, and the pair in use stays a pair."""
    with full(top / place):
        entry = {**SERVER, "path": "TOP/host/a", "sans": [f"h{number}.example.org" for number in range(300)]}
        refused(
            top,
            "pki_certificate",
            "No space left on device; free disk space",
            ca_dir="TOP/pki",
            certificates=[entry],
            renew_key=True,
        )
        assert matches(top / "host/a.crt", top / "host/a.key")
        if place == "pki":
            refused(top, "pki_ca", "No space left on device; free disk space", ca_dir="TOP/pki", cas=[{"name": "new"}])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as another user")
@pytest.mark.parametrize("module", ["pki_ca", "pki_crl"])
def test_an_unreadable_directory_is_refused(top: Path, module: str) -> None:
    """A user who may not read the directory creates no second CA."""
    params = {"cas": [{"name": "ca"}]} if module == "pki_ca" else {"ca": "ca"}
    before = files(top)
    for directory in (top, *top.parents[:3]):
        directory.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(HardwayError, match=r"Permission denied; fix (its|the) owner"):
            call(module, ca_dir=str(top / "pki"), **params)
    finally:
        os.seteuid(0)
    assert files(top) == before
