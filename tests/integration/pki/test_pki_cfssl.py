# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same request through cfssl and through ours gives the same certificate, field by field.

Deliberate differences: names are always UTF8String, where cfssl takes PrintableString for what it can hold; the order
of extensions; and for authorities keyUsage, where ours add digitalSignature (and keyEncipherment for RSA) as kubeadm
does, to cfssl's keyCertSign and cRLSign.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils import _csr
from ansible_collections.hardway.kubernetes.plugins.module_utils._duration import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_authority import Authority
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import CertificateSpec, Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import load_certificate, load_key, validity
from cryptography import x509

PLACES = [str(Path.home() / ".cache/hardway/bin/tools"), os.environ.get("PATH", "")]
CFSSL = shutil.which("cfssl", path=os.pathsep.join(PLACES))
pytestmark = pytest.mark.skipif(
    CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl); parity is unproven"
)

PROFILES = {
    "server": {"usages": ["signing", "key encipherment", "server auth"], "expiry": "8760h"},
    "client": {"usages": ["digital signature", "client auth"], "expiry": "720h30m"},
    "peer": {"usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "43800h"},
    "odd": {"usages": ["content commitment", "key agreement", "ocsp signing", "timestamping"], "expiry": "1h7m"},
}
KEYS = [{"algo": "ecdsa", "size": size} for size in (256, 384, 521)] + [{"algo": "rsa", "size": 2048}]
HOSTS = [
    ["example.org"],
    ["192.0.2.7", "b.example.org", "*.a.example.org", "2001:db8::7", "127.0.0.1"],
    ["https://example.org/x?y=z", "ops@example.org", "UPPER.example.org", "node-1"],
]
NAMES: list[list[dict[str, str]]] = [
    [],
    [{"O": "system:masters"}],
    [{"C": "DE", "ST": "Bayern", "L": "München", "O": "Bücher & Söhne", "OU": "日本"}],
    [{"O": "b"}, {"O": "a", "OU": "x"}, {"OU": "y"}],
]
CASES = [
    (profile, KEYS[number % 4], HOSTS[number % 3], names)
    for number, (profile, names) in enumerate(itertools.product(PROFILES, NAMES))
]


def cfssl(directory: Path, request: dict[str, Any], *arguments: str) -> tuple[bytes, bytes]:
    """Return the certificate and the key that cfssl makes of a request."""
    path = directory / "csr.json"
    path.write_text(json.dumps(request))
    run = subprocess.run([str(CFSSL), "gencert", *arguments, str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    made = json.loads(run.stdout)
    return made["cert"].encode(), made["key"].encode()


@pytest.fixture(scope="module", params=KEYS, ids=lambda key: f"{key['algo']}{key['size']}")
def authority(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that cfssl made and ours accepts as it is."""
    directory = tmp_path_factory.mktemp("cfssl")
    wanted = {"CN": "kubernetes", "key": request.param, "names": [{"O": "x", "C": "DE"}], "ca": {"expiry": "87600h"}}
    certificate, key = cfssl(directory, wanted, "-initca")
    (directory / "ca.crt").write_bytes(certificate)
    (directory / "ca.key").write_bytes(key)
    (directory / "config.json").write_text(json.dumps({"signing": {"profiles": PROFILES}}))
    return Authority.load(Store(str(directory)), "ca")


def extensions(certificate: x509.Certificate) -> dict[str, tuple[bool, Any]]:
    """Return criticality and value of each extension by OID."""
    return {e.oid.dotted_string: (e.critical, e.value) for e in certificate.extensions}


def life(certificate: x509.Certificate) -> timedelta:
    """Return how long a certificate is valid."""
    start, end = validity(certificate)
    return end - start


def test_authority(authority: Authority) -> None:
    """Subject, constraints, identifier, signature algorithm and life of a root are cfssl's."""
    subject = Subject.from_params("kubernetes", [{"O": "x", "C": "DE"}], "ca")
    ours, theirs = _csr.root(subject, authority.key, parse("87600h")), authority.certificate
    assert ours.subject.rfc4514_string() == theirs.subject.rfc4514_string()
    assert ours.signature_algorithm_oid == theirs.signature_algorithm_oid
    assert life(ours) == life(theirs)
    found, expected = extensions(ours), extensions(theirs)
    usage = "2.5.29.15"
    assert found.pop(usage)[1].key_cert_sign
    assert expected.pop(usage)[1].crl_sign
    assert found == expected


@pytest.mark.parametrize(("profile", "key", "hosts", "names"), CASES)
def test_leaf(authority: Authority, profile: str, key: Any, hosts: list[str], names: list[dict[str, str]]) -> None:
    """Made for cfssl's own key, ours differs in serial number, signature and nothing else."""
    directory = Path(authority.store.directory)
    signer = [f"-ca={directory}/ca.crt", f"-ca-key={directory}/ca.key", f"-config={directory}/config.json"]
    request = {"CN": "system:node:ä", "key": key, "names": names, "hosts": hosts}
    certificate, private = cfssl(directory, request, *signer, f"-profile={profile}")
    theirs = load_certificate(certificate, "cfssl")
    params = {"path": "x", "authority": "ca", "profile": profile, "common_name": "system:node:ä", "names": names}
    spec = CertificateSpec.from_params({**params, "hosts": hosts, "key": key}, PROFILES)
    ours = _csr.leaf(spec, load_key(private, "cfssl").public_key(), authority.certificate, authority.key)
    assert ours.subject.rfc4514_string() == theirs.subject.rfc4514_string()
    assert ours.issuer.public_bytes() == theirs.issuer.public_bytes()
    assert ours.signature_algorithm_oid == theirs.signature_algorithm_oid
    assert life(ours) == life(theirs)
    assert abs(validity(ours)[0] - validity(theirs)[0]) <= timedelta(minutes=1)
    assert extensions(ours) == extensions(theirs)
    assert ours.serial_number.bit_length() > 128
