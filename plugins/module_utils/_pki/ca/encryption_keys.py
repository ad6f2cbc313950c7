# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that encrypt objects in etcd: those in use in secrets/encryption.key, replaced ones in retired/.

Only the masters know which of them objects are stored under, so nothing about a rotation is recorded here.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

_BYTES = 32


@dataclass(frozen=True)
class Key:
    """An encryption key with the name that is stored with each object, and the file that it is in."""

    name: str
    secret: str
    path: str = ""

    @property
    def line(self) -> str:
        """Return its line in a file."""
        return f"{self.name}:{self.secret}\n"


def keys_of(text: str, path: str) -> list[Key]:
    """Return the keys of a file: one a line, NAME:SECRET, the first encrypts; key1 needs no name."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, secret = line.rpartition(":")
        found.append(Key(name if colon else "key1", secret, path))
    names = [key.name for key in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HardwayError(f"{path}: two keys are named {', '.join(twice)}; name one of them otherwise, as NAME:SECRET")
    return found


def current(store: Store) -> list[Key]:
    """Return the keys in use."""
    return _read(store, store.secret("encryption.key"))


def retired(store: Store) -> list[Key]:
    """Return the keys that were replaced."""
    paths = sorted(glob.glob(os.path.join(glob.escape(store.directory), "retired", "encryption-*.key")))
    return [key for path in paths for key in _read(store, path)]


def available(store: Store) -> list[Key]:
    """Return all keys that masters may have. One in use counts alone for its name: etcd has only the names."""
    used = current(store)
    names = {key.name for key in used}
    return [*used, *(key for key in retired(store) if key.name not in names)]


def rotate(store: Store, check: bool) -> tuple[str, list[str]]:
    """Put a new key in the place of those in use, which are retired; return its name and theirs."""
    path, old = store.secret("encryption.key"), current(store)
    if not old:
        raise HardwayError(f"{path}: does not exist or has no key; create it with role ca, or restore it from a backup")
    numbers = [re.fullmatch(r"key(\d+)", key.name) for key in [*old, *retired(store)]]
    name = f"key{max((int(number[1]) for number in numbers if number), default=0) + 1}"
    if not check:
        # First, so that an interruption leaves a key twice rather than nowhere.
        for key in old:
            store.write(_retired_path(store, key), key.line.encode())
        new = Key(name, base64.b64encode(secrets.token_bytes(_BYTES)).decode())
        store.write(path, new.line.encode())
    return name, [key.name for key in old]


def accept(store: Store, names: Sequence[str], check: bool) -> list[str]:
    """Let retired keys decrypt again, behind those in use; return the names of those that did not."""
    path, used = store.secret("encryption.key"), current(store)
    known = {key.name: key for key in available(store)}
    if absent := [name for name in names if name not in known]:
        raise HardwayError(f"{path}: no key {', '.join(absent)} here nor in retired; append it as NAME:SECRET")
    added = [known[name] for name in dict.fromkeys(names) if name not in {key.name for key in used}]
    if added and not check:
        store.write(path, "".join(key.line for key in [*used, *added]).encode())
    return [key.name for key in added]


def _retired_path(store: Store, key: Key) -> str:
    """Return where a replaced key is kept."""
    named = re.sub(r"[^\w.-]", "_", key.name)
    digest = hashlib.sha256(key.secret.encode()).hexdigest()[:12]
    return os.path.join(store.directory, "retired", f"encryption-{named}-{digest}.key")


def secret_of(name: str, path: str) -> str:
    """Return the secret of a key in a file; empty if it is not there."""
    return next((key.secret for key in _read(Store(os.path.dirname(path)), path) if key.name == name), "")


def _read(store: Store, path: str) -> list[Key]:
    """Return the keys of a file; none if it does not exist."""
    return keys_of((store.read(path) or b"").decode("utf-8", "replace"), path)
