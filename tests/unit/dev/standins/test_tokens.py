# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of the stand-in's API server: with each type of key, and invalid ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dev.standins.standin.apiserver.identity import Tokens, Unauthorized

ISSUER = "https://kubernetes.default.svc"
NAME = "system:serviceaccount:default:default"


def tokens(path: Path, key: Any, issuer: str = ISSUER) -> Tokens:
    """Return the tokens of a key, which is in a file as the roles write it."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    public = path.with_suffix(".pub")
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    return Tokens(str(path), [str(public)], issuer)


KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_token_is_validated_by_its_key_its_issuer_and_its_time(tmp_path: Path, kind: str) -> None:
    ours = tokens(tmp_path / "sa.key", KEYS[kind])
    good, _end = ours.issue(NAME, 60)
    assert ours.subject(good) == NAME
    others = {other: tokens(tmp_path / other, key) for other, key in KEYS.items() if other != kind}
    foreign = [other.issue(NAME, 60)[0] for other in others.values()]
    elsewhere = tokens(tmp_path / "same.key", KEYS[kind], "https://elsewhere.example.org").issue(NAME, 60)[0]
    for bad in (*foreign, elsewhere, ours.issue(NAME, -1)[0], good[:-4], f"x{good}", "a.b.c", "..", "a"):
        with pytest.raises(Unauthorized):
            ours.subject(bad)
