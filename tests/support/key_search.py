# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search for private keys in recorded data, in every encoding."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_EMBEDDED = re.compile(rb"client-key-data: *([A-Za-z0-9+/=]+)")
# Long enough never to be found by chance, short enough to lie between two line ends.
_WINDOW = 20


def secrets_in(text: bytes) -> list[bytes]:
    """Return the secret part of every private key in a file, a kubeconfig included."""
    blocks = _PEM.findall(text) + [base64.b64decode(value) for value in _EMBEDDED.findall(text)]
    return [_secret(serialization.load_pem_private_key(block, None)) for block in blocks]


def _secret(key: object) -> bytes:
    """Return the secret bytes of a key: a scalar, a prime, a seed."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.private_numbers().p.to_bytes((key.key_size + 15) // 16, "big")
    raw = serialization.Encoding.Raw, serialization.PrivateFormat.Raw
    return key.private_bytes(*raw, serialization.NoEncryption())  # type: ignore[attr-defined]


def encodings(secret: bytes) -> set[bytes]:
    """Return parts of a secret as in DER, hexadecimal digits, PEM or base64, and base64 of any of these."""
    plain = secret.hex().encode()
    once = _base64(secret)
    twice = {coded for text in once for line in _windows(text, 40) for coded in _base64(line)}
    texts = {
        plain,
        plain.upper(),
        *once,
        *twice,
        *(coded for text in (plain, plain.upper()) for coded in _base64(text)),
    }
    raw = {secret[at : at + 12] for at in range(len(secret) - 11)}
    return {w for text in texts for w in _windows(text, _WINDOW)} | {w for w in raw if not re.search(rb"[\n\0]", w)}


def _base64(data: bytes) -> set[bytes]:
    """Return the base64 of data for each of three offsets, without the ends that depend on neighbouring bytes."""
    return {base64.b64encode(b"\0" * shift + data)[4:-4] for shift in range(3)}


def _windows(text: bytes, size: int) -> set[bytes]:
    """Return parts of a text, of which one is found wherever line ends are."""
    return {text[at : at + size] for at in range(0, max(1, len(text) - size), max(1, size // 4))}


def found(secrets: Iterable[bytes], directory: Path) -> dict[bytes, set[Path]]:
    """Return the files below directory that contain secrets in any encoding."""
    owner = {needle: secret for secret in secrets for needle in encodings(secret)}
    listed = directory / "encodings"
    listed.write_bytes(b"\n".join(owner) + b"\n")
    line = ["grep", "-raoFZ", "-f", str(listed), "--exclude=encodings", str(directory)]
    done = subprocess.run(line, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    places: dict[bytes, set[Path]] = {}
    # Not splitlines: a pattern may have a carriage return in it.
    for match in done.stdout.split(b"\n")[:-1]:
        path, _nul, needle = match.partition(b"\0")
        places.setdefault(owner[needle], set()).add(Path(os.fsdecode(path)))
    return places
