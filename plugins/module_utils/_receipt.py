# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what a task found right on this host, and the evidence by which one sees that it still is.

A task leaves one file named by the digest of its arguments. It stands as long as every path, unit and name in its
evidence is what it was then: an inode with the same size, times, mode and owner; the same process of a unit.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils import _atomic
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit import Seen
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit_inputs import expand

DIRECTORY = "/var/lib/hardway/receipts"
SALT = ".salt"
# Who was not asked for so long has other arguments by now.
KEPT = 90 * 86400.0

Show = Callable[[list[str]], Mapping[str, Seen]]


def leave(
    key: Optional[str],
    result: Mapping[str, Any],
    *,
    paths: Iterable[str] = (),
    names: Iterable[str] = (),
    units: Mapping[str, Seen] | None = None,
    until: Optional[float] = None,
    directory: str = DIRECTORY,
) -> None:
    """Record that a task with this key would change nothing now.

    ``names`` are directories or globs whose list of files matters; ``until`` is when the result ends by itself, in
    seconds since 1970. Without a key, which the action plugin gives, nothing is recorded.
    """
    if not key:
        return
    receipt = {
        "result": result,
        "paths": {path: fingerprint(path) for path in paths},
        "names": {name: expand(name) for name in names},
        "units": {name: process(seen) for name, seen in (units or {}).items()},
        "until": until,
    }
    os.makedirs(directory, mode=0o700, exist_ok=True)
    _atomic.write(os.path.join(directory, f"{key}.json"), json.dumps(receipt).encode(), mode=0o600)


def salt(directory: str = DIRECTORY, *, make: bool) -> str:
    """Return the host's own salt: without it the digests would give away short secrets among the arguments."""
    path = os.path.join(directory, SALT)
    found = _atomic.read(path)
    if found is None and make:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        found = secrets.token_hex(16).encode()
        _atomic.write(path, found, mode=0o600)
    return (found or b"").decode()


def standing(show: Show, directory: str = DIRECTORY, *, clean: bool) -> dict[str, dict[str, Any]]:
    """Return the results of all receipts that still stand, by key; remove the others when asked to clean."""
    now, found, results = time.time(), _read(directory), {}
    units = sorted({name for receipt in found.values() for name in receipt["units"]})
    seen = show(units) if units else {}
    for key, receipt in found.items():
        if _stands(receipt, seen, now):
            results[key] = dict(receipt["result"])
        elif clean:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, f"{key}.json"))
    return results


def fingerprint(path: str) -> str:
    """Return what tells a path from itself after a change; of a directory only mode and owner."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISLNK(info.st_mode):
        real = os.path.realpath(path)
        return f"link to {real}: {'itself' if os.path.islink(real) else fingerprint(real)}"
    owner = f"{info.st_mode:o} {info.st_uid}:{info.st_gid}"
    if stat.S_ISDIR(info.st_mode):
        return owner
    # Nobody can set the time of the last status change, so no content changes behind it.
    return f"{owner} {info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def process(seen: Seen) -> str:
    """Return what tells a running unit from one that was changed, restarted, disabled or that failed."""
    return (
        f"{seen.load} {seen.active} {seen.sub} {seen.file_state} {seen.invocation} {seen.main_pid} {seen.need_reload}"
    )


def _read(directory: str) -> dict[str, dict[str, Any]]:
    """Return all receipts that can be read, by key; one that lies untouched for long is none."""
    found, oldest = {}, time.time() - KEPT
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            key, dot, kind = entry.name.rpartition(".")
            if not dot or kind != "json" or entry.stat().st_mtime < oldest:
                continue
            with contextlib.suppress(ValueError, KeyError, TypeError):
                receipt = json.loads(_atomic.read(entry.path) or b"")
                found[key] = {name: receipt[name] for name in ("result", "paths", "names", "units", "until")}
    return found


def _stands(receipt: Mapping[str, Any], seen: Mapping[str, Seen], now: float) -> bool:
    """True when all evidence of one receipt is as it was."""
    return (
        (receipt["until"] is None or now < receipt["until"])
        and all(fingerprint(path) == known for path, known in receipt["paths"].items())
        and all(expand(name) == known for name, known in receipt["names"].items())
        and all(name in seen and process(seen[name]) == known for name, known in receipt["units"].items())
    )
