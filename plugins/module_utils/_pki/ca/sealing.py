# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted copies of a PKI directory: a line of JSON, the header, and the encrypted content in base64.

The key is scrypt(passphrase, salt), 64 bytes: 32 for AES-256-GCM, with the header as associated data, and 32 for an
HMAC-SHA256 of the header. So a header proves the passphrase and cannot be forged, and no content is needed for that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

FORMAT = 1
# 64 MiB of memory.
_COST = {"n": 1 << 16, "r": 8, "p": 1}
# Generations that a copy remembers, and how much of their digests.
REMEMBERED, SHORT = 100, 16


@dataclass(frozen=True)
class Header:
    """What a copy says of itself. ancestors are the digests of earlier generations, shortened."""

    generation: int
    sha256: str
    time: str
    writer: str
    ancestors: Mapping[str, str] = field(default_factory=dict)
    salt: str = ""
    nonce: str = ""
    body: str = ""
    mac: str = ""

    @classmethod
    def parse(cls, line: str) -> Header:
        """Return the header of a line; raise ValueError if it is none."""
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError("not a header")
        if found.pop("format", None) != FORMAT:
            raise ValueError("unknown format")
        try:
            header = cls(**found)
        except TypeError as exc:
            raise ValueError(str(exc)) from exc
        if not isinstance(header.generation, int) or not isinstance(header.ancestors, dict):
            raise ValueError("not a header")
        return header

    @property
    def line(self) -> str:
        """Return it as text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    def follows(self, generation: int, sha256: str) -> bool:
        """Return whether a copy of an earlier generation may be one of those that this one was made from."""
        known = self.ancestors.get(str(generation))
        return generation < self.generation and known in (None, sha256[:SHORT])

    @property
    def author(self) -> str:
        """Return who wrote it, and when."""
        return f"generation {self.generation}, which {self.writer} wrote at {self.time}"


def copy_of(text: str) -> Header:
    """Return the header of a complete copy; raise ValueError for a damaged one."""
    line, _newline, body = text.partition("\n")
    header = Header.parse(line)
    if hashlib.sha256(body.encode()).hexdigest() != header.body:
        raise ValueError("its content is damaged")
    return header


def seal(packed: bytes, passphrase: str, header: Header) -> str:
    """Return the encrypted copy."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(16), os.urandom(12)
    cipher, signer = _keys(passphrase, salt)
    facts = {**asdict(header), "salt": salt.hex(), "nonce": nonce.hex(), "body": "", "mac": ""}
    encrypted = AESGCM(cipher).encrypt(nonce, packed, Header(**facts).line.encode())
    body = base64.b64encode(encrypted).decode() + "\n"
    facts["body"] = hashlib.sha256(body.encode()).hexdigest()
    facts["mac"] = hmac.new(signer, Header(**facts).line.encode(), "sha256").hexdigest()
    return f"{Header(**facts).line}\n{body}"


def is_sealed_by(header: Header, passphrase: str) -> bool:
    """Return whether the header was written with this passphrase."""
    _cipher, signer = _keys(passphrase, bytes.fromhex(header.salt))
    expected = hmac.new(signer, _without(header, "mac").line.encode(), "sha256").hexdigest()
    return hmac.compare_digest(expected, header.mac)


def unseal(text: str, passphrase: str) -> bytes:
    """Return the content of a copy whose header is proven."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    line, _newline, body = text.partition("\n")
    header = Header.parse(line)
    cipher, _signer = _keys(passphrase, bytes.fromhex(header.salt))
    bare = _without(header, "mac", "body").line.encode()
    try:
        return AESGCM(cipher).decrypt(bytes.fromhex(header.nonce), base64.b64decode(body), bare)
    except (InvalidTag, ValueError) as exc:
        raise HardwayError("PKI store: the copy is damaged; remove it from the host, and run again") from exc


def _without(header: Header, *names: str) -> Header:
    """Return the header with some fields empty."""
    facts: dict[str, Any] = {**asdict(header), **dict.fromkeys(names, "")}
    return Header(**facts)


def _keys(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
    """Return the key of the content and that of the header."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    derived = Scrypt(salt=salt, length=64, **_COST).derive(passphrase.encode())
    return derived[:32], derived[32:]
