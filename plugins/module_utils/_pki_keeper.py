# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key pairs and shared secrets in the store: made where they are missing, else checked and kept."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_bundle import joined, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_keys import key_pem, load_key, new_key, public_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Keeper:
    """How to treat the store: with which passphrase, whether to renew, whether only to predict."""

    store: Store
    passphrase: str | None
    renew: bool
    renew_before: float
    check: bool

    def key_pair(self, params: Mapping[str, Any], *, given_up: bool = False) -> dict[str, Any]:
        """Return what became of a key pair: the private half plain, for its users cannot decrypt.

        What a private half signed that is given up stays accepted where its public half is still here.
        """
        name = checked_name(params["name"])
        spec = KeySpec.from_params(params.get("key"), f"key pair {name}")
        if spec.algo == "ed25519":
            raise HardwayError(f"key pair {name}: kube-apiserver signs tokens with rsa or ecdsa only; choose one")
        key_path, public_path = self.store.key(name), self.store.stem(name) + ".pub"
        pem, public = self.store.read(key_path), self.store.read(public_path)
        if pem is None and public is not None and not given_up:
            raise HardwayError(f"{public_path}: its private half {key_path} is missing; restore it or move both away")
        if pem is None and self.check:
            return {"name": name, "path": key_path, "state": "created"}
        key = new_key(spec) if pem is None else load_key(pem, key_path)
        if pem is None and public is not None:
            # Before the key: without it the next run does this again.
            public = joined([public_pem(key), *split(public)])
            self.store.write(public_path, public, 0o644)
        # While one key takes the place of another, both public halves are there.
        if public is not None and _squeezed(public_pem(key)) not in map(_squeezed, split(public)):
            raise HardwayError(f"{public_path}: does not belong to {key_path}; restore the pair from a backup")
        state = "kept"
        if pem is None:
            state = "created"
            self.store.write(key_path, key_pem(key))
        elif self.tighten(key_path):
            state = "made private"
        if public is None:
            state = "created" if pem is None else "completed"
            if not self.check:
                self.store.write(public_path, public_pem(key), 0o644)
        return {"name": name, "path": key_path, "state": state}

    def secret(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what became of a shared random secret; its value is never returned."""
        name = checked_name(params["name"])
        path, size = self.store.secret(name), params["bytes"]
        if not 1 <= size <= 1024:
            raise HardwayError(f"secret {name}: {size} bytes make no sense; ask for 1 to 1024")
        found = self.store.read(path)
        if found is None:
            if not self.check:
                encode = base64.urlsafe_b64encode if params["encoding"] == "base64url" else base64.b64encode
                self.store.write(path, encode(secrets.token_bytes(size)) + b"\n")
            return {"name": name, "path": path, "state": "created"}
        # One a line, as NAME:SECRET: further ones only decrypt.
        sizes = {_decoded_size(line.rpartition(b":")[2]) for line in found.splitlines() if line.strip()}
        if params["encoding"] == "base64" and sizes != {size}:
            raise HardwayError(f"{path}: is not base64 of {size} bytes; restore it from a backup")
        if not found.strip():
            raise HardwayError(f"{path}: is empty; restore it from a backup")
        return {"name": name, "path": path, "state": "made private" if self.tighten(path) else "kept"}

    def tighten(self, path: str) -> bool:
        """Take other users' rights from a private file; True when there were any."""
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0:
            return False
        if not self.check:
            os.chmod(path, 0o600)
        return True


def checked_name(name: str) -> str:
    """Return a name that is safe in a path."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise HardwayError(f"{name!r}: not a name; use letters, digits, dot, dash and underscore")
    return name


def _decoded_size(text: bytes) -> int:
    """Return how many bytes a base64 text holds, -1 when it is none."""
    try:
        return len(base64.b64decode(text.strip(), validate=True))
    except binascii.Error:
        return -1


def _squeezed(pem: bytes) -> bytes:
    """Return a PEM text without white space, for comparison."""
    return b"".join(pem.split())
