# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption at rest by the provider that our roles choose, secretbox, in the format of the real API server."""

from __future__ import annotations

import base64
import hmac
import os
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.poly1305 import Poly1305

from ..core.configuration import read
from ..core.flags import Refusal

SIGMA = struct.unpack("<4I", b"expand 32-byte k")
NONCE, KEY = 24, 32


def _rounds(state: list[int]) -> list[int]:
    """Return a Salsa20 state after twenty rounds."""
    x = list(state)
    for number in range(20):
        for i in range(4):
            a, b, c, d = [(5 * i + step * (1 if number % 2 else 4)) % 16 for step in range(4)]
            if number % 2:
                a, b, c, d = [4 * i + (i + step) % 4 for step in range(4)]
            for target, one, two, turn in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
                total = (x[one] + x[two]) & 0xFFFFFFFF
                x[target] ^= ((total << turn) | (total >> (32 - turn))) & 0xFFFFFFFF
    return x


def _state(key: bytes, block: bytes) -> list[int]:
    """Return the initial state of Salsa20 for a key and sixteen bytes."""
    k, n = struct.unpack("<8I", key), struct.unpack("<4I", block)
    return [SIGMA[0], *k[:4], SIGMA[1], *n, SIGMA[2], *k[4:], SIGMA[3]]


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    """Return key stream of XSalsa20."""
    mixed = _rounds(_state(key, nonce[:16]))
    inner = struct.pack("<8I", *(mixed[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))
    found = b""
    for number in range(length // 64 + 1):
        begin = _state(inner, nonce[16:] + struct.pack("<Q", number))
        found += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(begin, _rounds(begin))))
    return found[:length]


def seal_secretbox(key: bytes, plain: bytes, nonce: bytes) -> bytes:
    """Return NaCl's secretbox: tag and cipher text."""
    stream = _stream(key, nonce, len(plain) + 32)
    cipher = bytes(a ^ b for a, b in zip(plain, stream[32:]))
    return Poly1305.generate_tag(stream[:32], cipher) + cipher


def open_secretbox(key: bytes, box: bytes, nonce: bytes) -> bytes:
    """Return what a secretbox holds; raise ValueError when it was not sealed so."""
    stream = _stream(key, nonce, len(box) + 16)
    if not hmac.compare_digest(Poly1305.generate_tag(stream[:32], box[16:]), box[:16]):
        raise ValueError("output array was not large enough for encryption")
    return bytes(a ^ b for a, b in zip(box[16:], stream[32:]))


class Encryption:
    """Seals the resources that the configuration names; opens whatever any of its keys sealed."""

    def __init__(self, path: str, fields: dict[str, Any], *, reload: bool) -> None:
        """Read the configuration, if there is one."""
        self.path, self.fields, self.reload = path, fields, reload
        self.rules: list[tuple[set[str], list[tuple[bytes, bytes]]]] = []
        self._seen = 0.0
        if path:
            self._read()

    def _read(self) -> None:
        """Take the configuration as it is now."""
        self._seen = Path(self.path).stat().st_mtime if Path(self.path).exists() else 0
        content = read(self.path, "EncryptionConfiguration", self.fields)
        self.rules = [
            (set(entry["resources"]), [key for provider in entry["providers"] for key in _keys(provider)])
            for entry in content["resources"]
        ]

    def _keys(self, resource: str) -> list[tuple[bytes, bytes]]:
        """Return the providers of a resource, the one that seals first."""
        if self.reload and self.path and Path(self.path).stat().st_mtime != self._seen:
            self._read()
        for names, keys in self.rules:
            if resource in names or "*.*" in names or ("." not in resource and "*." in names):
                return keys
        return [(b"", b"")]

    def seal(self, resource: str, plain: bytes) -> bytes:
        """Return what is stored."""
        prefix, key = self._keys(resource)[0]
        if not prefix:
            return plain
        nonce = os.urandom(NONCE)
        return prefix + nonce + seal_secretbox(key, plain, nonce)

    def open(self, resource: str, stored: bytes) -> bytes:
        """Return what was sealed."""
        for prefix, key in self._keys(resource):
            if prefix and stored.startswith(prefix):
                sealed = stored[len(prefix) :]
                return open_secretbox(key, sealed[NONCE:], sealed[:NONCE])
        if stored.startswith(b"k8s:enc:"):
            raise ValueError("no matching prefix found")
        return stored


def _keys(provider: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return prefix and key of every key of a provider; the identity has neither."""
    (name, content), *_more = provider.items()
    if name == "identity":
        return [(b"", b"")]
    if name != "secretbox":
        raise Refusal(f"provider {name} is beyond a rehearsal")
    found = []
    for number, item in enumerate(content["keys"]):
        key = base64.b64decode(item["secret"])
        if len(key) != KEY:
            where = f"resources[0].providers[0].{name}.keys[{number}].secret"
            told = f"secret is not of the expected length, got {len(key)}, expected one of [{KEY}]"
            raise Refusal(f'{where}: Invalid value: "REDACTED": {told}')
        found.append((f"k8s:enc:{name}:v1:{item['name']}:".encode(), key))
    return found
