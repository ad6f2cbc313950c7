# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark of a host on which the last run of site.yml has left nothing to do.

It has the digest of everything that decided the tasks of that run, and the cached results on which they relied. While
the digest is the same, and these results are valid and the same, no task would change anything.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests, safe_paths

PATH = "/var/lib/hardway/up-to-date.json"
Results = Mapping[str, Mapping[str, Any]]


def inputs(valid: Results, path: str = PATH) -> str:
    """Return the digest in the mark; empty without a mark, or if a result is no longer valid or another one."""
    mark = read(path)
    same = all(key in valid and _digest(valid[key]) == known for key, known in mark.get("results", {}).items())
    return str(mark.get("inputs", "")) if same else ""


def read(path: str = PATH) -> dict[str, Any]:
    """Return the mark; empty if there is none, or none that can be read."""
    with contextlib.suppress(ValueError):
        found = json.loads(atomic_files.read(path) or b"{}")
        if isinstance(found, dict) and isinstance(found.get("results"), dict):
            return found
    return {}


def write(digest: str, used: Iterable[str], valid: Results, path: str = PATH) -> list[str]:
    """Write the mark, if all used results are valid, else remove it; return those that are not valid."""
    used = sorted(set(used))
    invalid = [key for key in used if key not in valid]
    if invalid or not used:
        remove(path)
        return invalid
    mark = {"inputs": digest, "results": {key: _digest(valid[key]) for key in used}}
    if read(path) != mark:
        safe_paths.make_directory(os.path.dirname(path), 0o700)
        atomic_files.write(path, json.dumps(mark).encode(), mode=0o600)
    return []


def remove(path: str = PATH) -> None:
    """Remove the mark."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _digest(result: Mapping[str, Any]) -> str:
    return digests.of_bytes(json.dumps(result, sort_keys=True).encode())
