# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cached results: what a task found right on this host, and the evidence by which one sees that it still is.

A task leaves one file named by the digest of its arguments. It stands as long as every path, unit and name in its
evidence is what it was then: an inode with the same size, times, mode and owner; the same process of a unit, which is
healthy when it is asked; the same words of a command that only reads. How the kernel is, is looked at anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.fingerprints import expand
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen

DIRECTORY = "/var/lib/hardway/cached-results"
SALT = ".salt"
# Who was not asked for so long has other arguments by now.
KEPT = 90 * 86400.0

Show = Callable[[list[str]], Mapping[str, Seen]]
# Nothing where a health endpoint answers as wanted, else why not.
Ask = Callable[[Mapping[str, Any]], str]
Settled = Callable[[Mapping[str, Any]], Optional[Mapping[str, Any]]]
EVIDENCE = ("paths", "names", "units", "health", "output", "until", "kernel")


def store(
    key: Optional[str],
    result: Mapping[str, Any],
    *,
    paths: Iterable[str] = (),
    names: Iterable[str] = (),
    units: Mapping[str, Seen] | None = None,
    health: Iterable[Mapping[str, Any]] = (),
    output: Iterable[tuple[list[str], str]] = (),
    until: Optional[float] = None,
    kernel: Optional[Mapping[str, Any]] = None,
    absent: Iterable[str] = (),
    accepted: Iterable[str] = (),
    directory: str = DIRECTORY,
) -> None:
    """Record that a task with this key would change nothing now.

    What another program has changed since this module began was not looked at, or no longer is what was looked at: then
    there is nothing to record. ``absent`` are those of the paths that were not there; ``accepted`` are those that
    another program may have changed, as a unit does when it starts.

    ``names`` are directories or globs whose list of files matters; ``health`` are endpoints as module unit takes them;
    ``output`` is what commands printed; ``until`` is when the result ends by itself, in seconds since 1970; ``kernel``
    are the options of module kernel, whose result is then that of the moment. Without a key, which the action plugin
    gives, nothing is recorded.
    """
    if not key:
        return
    seen = {path: fingerprint(path) for path in paths}
    listed = {name: expand(name) for name in names}
    missing = {path for path, known in seen.items() if known == "absent"}
    if missing != {*absent} & {*seen} or not all(
        map(_untouched, {*seen, *(p for each in listed.values() for p in each)} - {*accepted})
    ):
        return
    entry = {
        "result": result,
        "paths": seen,
        "names": listed,
        "units": {name: process(seen) for name, seen in (units or {}).items()},
        "health": list(health),
        "output": [[command, _digest(printed)] for command, printed in output],
        "until": until,
        "kernel": kernel,
    }
    safe_paths.make_directory(directory, 0o700)
    atomic_files.write(os.path.join(directory, f"{key}.json"), json.dumps(entry).encode(), mode=0o600)


def salt(directory: str = DIRECTORY, *, make: bool) -> str:
    """Return the host's own salt: without it the digests would give away short secrets among the arguments."""
    path = os.path.join(directory, SALT)
    found = atomic_files.read(path)
    if found is None and make:
        safe_paths.make_directory(directory, 0o700)
        found = secrets.token_hex(16).encode()
        atomic_files.write(path, found, mode=0o600)
    return (found or b"").decode()


def standing(
    show: Show, ask: Ask, settled: Settled, directory: str = DIRECTORY, *, clean: bool
) -> dict[str, dict[str, Any]]:
    """Return the results of all cached results that still stand, by key; remove the others when asked to clean.

    The three look at units, at endpoints, and at the kernel.
    """
    now, found = time.time(), _read(directory)
    units = sorted({name for entry in found.values() if entry for name in entry["units"]})
    seen = show(units) if units else {}
    stand = {key: entry for key, entry in found.items() if entry and _stands(entry, seen, now)}
    sick = _sick([health for entry in stand.values() for health in entry["health"]], ask)
    stand = {key: entry for key, entry in stand.items() if not any(health in sick for health in entry["health"])}
    told = {key: settled(entry["kernel"]) if entry["kernel"] else entry["result"] for key, entry in stand.items()}
    results = {key: dict(result) for key, result in told.items() if result is not None}
    for key in found.keys() - results.keys() if clean else ():
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
    # The time of the last status change cannot be set, so no content changes behind it.
    return f"{owner} {info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def _untouched(path: str) -> bool:
    """True when no other program has changed a file since this module began; a directory changes with its entries."""
    try:
        info = os.stat(path)
    except OSError:
        return True
    return stat.S_ISDIR(info.st_mode) or atomic_files.is_ours(info)


def _digest(printed: str) -> str:
    """Return what tells one output from another."""
    return hashlib.sha256(printed.encode()).hexdigest()


def _prints(command: list[str], digest: str) -> bool:
    """True when a command still prints what it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return _digest(done.stdout) == digest


def process(seen: Seen) -> str:
    """Return what tells a running unit from one that was changed, restarted, disabled or that failed."""
    return (
        f"{seen.load} {seen.active} {seen.sub} {seen.file_state} {seen.invocation} {seen.main_pid} {seen.need_reload}"
    )


def _read(directory: str) -> dict[str, Optional[dict[str, Any]]]:
    """Return all cached results by key; None for one that cannot be read or that lies untouched for long."""
    found: dict[str, Optional[dict[str, Any]]] = {}
    oldest = time.time() - KEPT
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            key, dot, kind = entry.name.rpartition(".")
            if not dot or kind != "json":
                continue
            found[key] = None
            if entry.stat().st_mtime >= oldest:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    content = json.loads(atomic_files.read(entry.path) or b"")
                    found[key] = {name: content[name] for name in ("result", *EVIDENCE)}
    return found


def _sick(endpoints: list[Mapping[str, Any]], ask: Ask) -> list[Mapping[str, Any]]:
    """Return the health endpoints that do not answer as wanted; each is asked once, all of them at once."""
    once = list({json.dumps(health, sort_keys=True): health for health in endpoints}.values())
    return [health for health, reason in zip(once, map_concurrently(ask, once)) if reason]


def _stands(entry: Mapping[str, Any], seen: Mapping[str, Seen], now: float) -> bool:
    """True when all evidence of one cached result is as it was."""
    return (
        (entry["until"] is None or now < entry["until"])
        and all(fingerprint(path) == known for path, known in entry["paths"].items())
        and all(expand(name) == known for name, known in entry["names"].items())
        and all(name in seen and process(seen[name]) == known for name, known in entry["units"].items())
        and all(_prints(command, digest) for command, digest in entry["output"])
    )
