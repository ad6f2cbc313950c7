# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cfssl's other verbs, sign, selfsign, renewca, gencrl, bundle, beside ours: the same input, the same result."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificates_in,
    load_certificate,
    validity,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key
from cryptography import x509

from tests.support.ca.cfssl import CFSSL, extensions, run
from tests.support.ca.in_process import call
from tests.support.ca.playbook import openssl

pytestmark = pytest.mark.skipif(CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl)")
PROFILE = {"usages": ["signing", "key encipherment", "server auth"], "expiry": "720h30m"}


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with a root, one CA below it, and cfssl's configuration."""
    cas = [{"name": "ca"}, {"name": "sub", "signed_by": "ca"}]
    call("pki_ca", ca_dir=str(tmp_path / "pki"), cas=cas)
    config = {"signing": {"default": PROFILE, "profiles": {"server": PROFILE}}}
    (tmp_path / "pki/config.json").write_text(json.dumps(config))
    return tmp_path / "pki"


def read(path: Path) -> Any:
    """Return the certificate in a file."""
    return load_certificate(path.read_bytes(), str(path))


def validity_period(certificate: Any) -> timedelta:
    """Return how long a certificate is valid."""
    start, end = validity(certificate)
    return end - start


def test_sign(pki: Path) -> None:
    """A CSR of openssl becomes the same certificate, with its own SANs and with those of the command line."""
    request = pki / "r.csr"
    names = "subjectAltName=DNS:a.example.org,IP:192.0.2.1,IP:2001:db8::1,email:a@example.org,URI:spiffe://x/y"
    new = ["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-utf8", "-addext", names]
    openssl(*new, "-keyout", pki / "r.key", "-subj", "/C=DE/O=Bücher/O=b/OU=x/CN=ä", "-out", request)
    signer = [f"-ca={pki}/ca.crt", f"-ca-key={pki}/ca.key", f"-config={pki}/config.json", "-profile=server"]
    for hosts in ([], ["b.example.org", "192.0.2.2"]):
        override = [f"-hostname={','.join(hosts)}"] if hosts else []
        theirs = load_certificate(str(run("sign", *signer, *override, request)["cert"]).encode(), "cfssl")
        entry = {"request": str(request), "path": str(pki / "r.crt"), "ca": "ca", "profile": "server"}
        config = str(pki / "config.json")
        call("pki_sign", ca_dir=str(pki), config=config, certificates=[{**entry, "sans": hosts}])
        ours = read(pki / "r.crt")
        assert sorted(map(str, ours.subject)) == sorted(map(str, theirs.subject))
        assert extensions(ours) == extensions(theirs)
        assert validity_period(ours) == validity_period(theirs)


def test_selfsign(pki: Path) -> None:
    """Subject, SANs, usages and identifier are the same; cfssl's is valid five minutes longer than requested."""
    csr = {"CN": "a", "hosts": ["a.example.org", "192.0.2.1"], "key": {"algo": "ecdsa", "size": 256}}
    (pki / "csr.json").write_text(json.dumps(csr))
    answer = run("selfsign", f"-config={pki}/config.json", "a.example.org", pki / "csr.json")
    theirs, key = load_certificate(answer["cert"].encode(), ""), load_key(answer["key"].encode(), "")
    entry = {"path": "x", "self_signed": True, "profile": "server", "csr": csr}
    ours = issue.self_signed(specs_of({"certificates": [entry], "config": str(pki / "config.json")})[0], key)
    assert ours.subject.rfc4514_string() == theirs.subject.rfc4514_string()
    assert {item[0]: item for item in extensions(ours)} == {item[0]: item for item in extensions(theirs)}
    assert validity_period(theirs) - validity_period(ours) == timedelta(minutes=5)


def test_renewca(pki: Path) -> None:
    """Name, key, extensions and length of the validity period are kept by both."""
    csr = {"CN": "x", "names": [{"O": "y", "C": "DE"}], "ca": {"expiry": "4000h", "pathlen": 2}}
    (pki / "csr.json").write_text(json.dumps(csr))
    made = run("gencert", "-initca", pki / "csr.json")
    (pki / "old.crt").write_text(made["cert"])
    (pki / "old.key").write_text(made["key"])
    renewed = run("gencert", "-renewca", f"-ca={pki}/old.crt", f"-ca-key={pki}/old.key")
    theirs = load_certificate(str(renewed["cert"]).encode(), "cfssl")
    ca = {"name": "old", "expiry": "4000h"}
    call("pki_ca", ca_dir=str(pki), cas=[ca], renew=True, renew_before=0.99999)
    ours = read(pki / "old.crt")
    assert ours.serial_number != load_certificate(made["cert"].encode(), "").serial_number
    assert ours.subject.rfc4514_string() == theirs.subject.rfc4514_string()
    assert extensions(ours) == extensions(theirs)
    assert validity_period(ours) == validity_period(theirs)


def test_gencrl(pki: Path) -> None:
    """The same file of serial numbers gives lists with the same entries, issuer and algorithm."""
    (pki / "serials").write_text("12\n34567890123456789012345678901234567890\n")
    command = [str(CFSSL), "gencrl", str(pki / "serials"), str(pki / "ca.crt"), str(pki / "ca.key"), "86400"]
    answer = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = x509.load_der_x509_crl(base64.b64decode(answer))
    params = {"ca": "ca", "serials_file": str(pki / "serials"), "expiry": "24h"}
    call("pki_crl", ca_dir=str(pki), **params)
    ours = x509.load_pem_x509_crl((pki / "ca.crl").read_bytes())
    assert {item.serial_number for item in ours} == {item.serial_number for item in theirs}
    assert (ours.issuer, ours.signature_algorithm_oid) == (theirs.issuer, theirs.signature_algorithm_oid)
    pointers = [crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value for crl in (ours, theirs)]
    assert pointers[0] == pointers[1]


def test_bundle(pki: Path) -> None:
    """Leaf and intermediate, without the root, in this order."""
    entry = {"path": str(pki / "host/a"), "ca": "sub", "profile": "server", "common_name": "a", "chain": True}
    call("pki_certificate", ca_dir=str(pki), certificates=[{**entry, "sans": ["a.example.org"]}])
    ours = certificates_in((pki / "host/a.crt").read_bytes(), "ours")
    (pki / "leaf.pem").write_text(openssl("x509", "-in", pki / "host/a.crt"))
    stores = [f"-ca-bundle={pki}/ca.crt", f"-int-bundle={pki}/sub.crt"]
    answer = run("bundle", f"-cert={pki}/leaf.pem", *stores, "-flavor=optimal")
    assert certificates_in(str(answer["bundle"]).encode(), "cfssl") == ours
