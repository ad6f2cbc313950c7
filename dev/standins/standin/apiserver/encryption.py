# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption at rest by the provider that our roles choose, secretbox, in the format of the real API server."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from ..core.configuration import read
from ..core.flags import Refusal


class Encryption:
    """Encrypts the resources that the configuration names; decrypts with any of its keys."""

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
        """Return the encrypted value."""
        prefix, key = self._keys(resource)[0]
        if not prefix:
            return plain
        return prefix + SecretBox(key).encrypt(plain)

    def open(self, resource: str, stored: bytes) -> bytes:
        """Return the decrypted value."""
        for prefix, key in self._keys(resource):
            if prefix and stored.startswith(prefix):
                try:
                    return SecretBox(key).decrypt(stored[len(prefix) :])
                except CryptoError:
                    raise ValueError("output array was not large enough for encryption") from None
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
        if len(key) != SecretBox.KEY_SIZE:
            where = f"resources[0].providers[0].{name}.keys[{number}].secret"
            reason = f"secret is not of the expected length, got {len(key)}, expected one of [{SecretBox.KEY_SIZE}]"
            raise Refusal(f'{where}: Invalid value: "REDACTED": {reason}')
        found.append((f"k8s:enc:{name}:v1:{item['name']}:".encode(), key))
    return found
