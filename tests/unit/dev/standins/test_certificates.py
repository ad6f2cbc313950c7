# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients are verified by their CA, also while one with the same name and another type of key replaces it."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest
from cryptography import x509 as made
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from dev.standins.standin.core import x509

KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def certificate(name: str, key: Any, signer: Any) -> Any:
    """Return a certificate for a name and a key, by a CA that is always called the same."""
    subject, issuer = (made.Name([made.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, "ca"))
    builder = made.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    hour = datetime.timedelta(hours=1)
    builder = builder.serial_number(1).not_valid_before(x509.now() - hour).not_valid_after(x509.now() + hour)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest)


CAS = {kind: certificate("ca", key, key) for kind, key in KEYS.items()}


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(KEYS, 2)))
def test_a_ca_with_another_type_of_key_and_the_same_name(old: str, new: str) -> None:
    shown = [certificate("client", KEYS["ecdsa"], KEYS[old]).public_bytes(serialization.Encoding.DER)]
    assert x509.client_problem(shown, [CAS[new], CAS[old]], x509.now()) == ""
    unknown = "x509: certificate signed by unknown authority"
    assert x509.client_problem(shown, [CAS[new]], x509.now()) == unknown
