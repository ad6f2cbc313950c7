# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs on the controller: a fault of theirs is one clear error, and nothing is touched."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline import Offline
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, load_key, new_key

from tests.support.ca.directory import CA, ECDSA, GOOD, KEY, LEAF, PARAMS, SUBJECT, ensure, expired, leaf, snapshot


@pytest.mark.parametrize(
    ("files", "passphrase", "message"),
    [
        ({"ca.key": key_pem(new_key(ECDSA))}, None, "does not belong to"),
        ({"ca.crt": b""}, None, "no PEM certificate"),
        ({"ca.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, None, "it is damaged"),
        ({"ca.crt": certificate_pem(CA)[:200]}, None, "it is damaged"),
        ({"ca.crt": certificate_pem(CA).replace(b"M", b"N", 3)}, None, "damaged|does not belong|no PEM"),
        ({"ca.key": b"garbage"}, None, "cannot read the private key"),
        ({"ca.key": key_pem(KEY)[:100]}, None, "cannot read the private key"),
        ({"ca.crt": expired()}, None, "expired at"),
        ({"ca.crt": leaf()}, None, "is not a CA"),
        ({"ca.key": key_pem(KEY, "secret")}, None, "is encrypted"),
        ({"ca.key": key_pem(KEY, "secret")}, "wrong", "passphrase is wrong"),
    ],
)
def test_bad_cas_are_one_error(tmp_path: Path, files: dict[str, bytes], passphrase: str | None, message: str) -> None:
    """Neither pki_ca nor signing touches an invalid CA, and both name the file."""
    for name, data in {**GOOD, **files}.items():
        (tmp_path / name).write_bytes(data)
    before = snapshot(tmp_path)
    with pytest.raises(HardwayError, match=message) as one:
        ensure(tmp_path, passphrase=passphrase).ca(PARAMS)
    with pytest.raises(HardwayError, match=message):
        Issuer.load(Store(str(tmp_path)), "ca", passphrase)
    assert str(tmp_path) in str(one.value)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": "../ca"}, "not a name"),
        ({"name": "a/b"}, "not a name"),
        ({"common_name": "x" * 65}, "65 characters"),
        ({"expiry": "10 years"}, "not a duration"),
        ({"expiry": "2m"}, "five minutes"),
        ({"expiry": "9999999d"}, "292 years"),
        ({"key": {"algo": "rsa", "size": 512}}, "key size 512"),
    ],
)
def test_bad_specifications_create_nothing(tmp_path: Path, params: dict[str, t.Any], message: str) -> None:
    """No certificate is left behind."""
    with pytest.raises(HardwayError, match=message):
        ensure(tmp_path).ca({**PARAMS, **params})
    assert not list(tmp_path.rglob("*.crt"))


def test_an_offline_ca_is_kept_but_cannot_sign(tmp_path: Path) -> None:
    """The error names the path of the key."""
    (tmp_path / "ca.crt").write_bytes(GOOD["ca.crt"])
    report = ensure(tmp_path).ca(PARAMS)
    assert (report["state"], report["has_key"]) == ("kept", False)
    with pytest.raises(HardwayError, match=r"ca\.key is not available"):
        Issuer.load(Store(str(tmp_path)), "ca").sign(LEAF, KEY.public_key())


def test_key_without_certificate_is_completed(tmp_path: Path) -> None:
    """The state that a kill leaves, because the key is written first."""
    (tmp_path / "ca.key").write_bytes(GOOD["ca.key"])
    assert ensure(tmp_path).ca(PARAMS)["state"] == "created"
    assert (tmp_path / "ca.key").read_bytes() == GOOD["ca.key"]
    assert ensure(tmp_path).ca(PARAMS)["state"] == "kept"


def test_a_passphrase_encrypts_a_plain_key(tmp_path: Path) -> None:
    """Once, with the same key; then it is kept."""
    assert ensure(tmp_path).ca(PARAMS)["state"] == "created"
    with_passphrase = ensure(tmp_path, passphrase="secret")
    before = load_key((tmp_path / "ca.key").read_bytes(), "")
    assert with_passphrase.ca(PARAMS)["state"] == "encrypted"
    assert with_passphrase.ca(PARAMS)["state"] == "kept"
    pem = (tmp_path / "ca.key").read_bytes()
    assert b"ENCRYPTED" in pem
    assert key_pem(load_key(pem, "", "secret")) == key_pem(before)


def test_renewal_keeps_name_and_key(tmp_path: Path) -> None:
    """Certificates signed before stay valid; without the option nothing happens."""
    (tmp_path / "ca.crt").write_bytes(certificate_pem(issue.root(SUBJECT, KEY, timedelta(minutes=7))))
    (tmp_path / "ca.key").write_bytes(GOOD["ca.key"])
    (tmp_path / "ca.key").chmod(0o600)
    old = load_certificate((tmp_path / "ca.crt").read_bytes(), "")
    assert ensure(tmp_path, renew_before=0.9).ca(PARAMS)["state"] == "kept"
    assert ensure(tmp_path, renew_before=0.9, renew=True, check=True).ca(PARAMS)["state"] == "renewed"
    assert ensure(tmp_path, renew_before=0.9, renew=True).ca(PARAMS)["state"] == "renewed"
    new = load_certificate((tmp_path / "ca.crt").read_bytes(), "")
    assert (new.subject, new.public_key()) == (old.subject, old.public_key())
    assert [e.value for e in new.extensions] == [e.value for e in old.extensions]
    assert new.serial_number != old.serial_number
    assert ensure(tmp_path, renew_before=0.9, renew=True).ca(PARAMS)["state"] == "kept"


def test_signing_is_recorded_and_bounded(tmp_path: Path) -> None:
    """A certificate may not outlive its CA; each signed one is a line."""
    ensure(tmp_path).ca(PARAMS)
    store, key = Store(str(tmp_path)), new_key(ECDSA)

    def sign(spec: CertificateSpec, with_key: t.Any) -> None:
        request = issue.request_pem(spec, with_key).decode()
        Offline(store).sign_all({"ca": Issuer.load(store, "ca")}, {"0": spec}, {"0": request}, "host-1", 0.3)

    sign(LEAF, key)
    long = CertificateSpec.from_params({"path": "/p/c", "ca": "ca", "profile": "client", "common_name": "c"})
    with pytest.raises(HardwayError, match="longer than its CA"):
        sign(long, key)
    with pytest.raises(HardwayError, match="CSR has a key ed25519"):
        sign(LEAF, new_key(KeySpec("ed25519", 0)))
    lines = [json.loads(line) for line in (tmp_path / "issued.jsonl").read_text().splitlines()]
    assert [(line["host"], line["subject"]) for line in lines] == [("localhost", ["CN=ca"]), ("host-1", ["CN=c"])]
