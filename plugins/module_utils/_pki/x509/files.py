# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of keys and certificates on a host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key

KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644


def read(path: str) -> bytes | None:
    """Return the content of a file, None if it does not exist; raise if it is not readable."""
    try:
        return atomic_files.read(path)
    except NotADirectoryError:
        return None
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be read: {exc.strerror}; move it away or fix it") from exc


def load_quietly(path: str) -> Any:
    """Return the private key at path, None if it is missing, damaged or encrypted."""
    data = read(path)
    return None if data is None else _own_key(data)


@cache
def _own_key(data: bytes) -> Any:
    """Return a parsed key of this host; cached."""
    try:
        return load_key(data, "", own=True)
    except HardwayError:
        return None


def check_owners(entries: Iterable[Mapping[str, Any]]) -> None:
    """Raise before anything is written when a user or group is missing."""
    for entry in entries:
        atomic_files.user_id(entry["owner"], entry["path"])
        atomic_files.group_id(entry["group"], entry["path"])


def make_directory(path: str) -> None:
    """Create the directory of path if missing; it belongs to root, which writes keys there."""
    safe_paths.make_directory(os.path.dirname(path))
