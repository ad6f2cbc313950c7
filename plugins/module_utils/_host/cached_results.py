# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cached results: the result of a task without changes, and the evidence that it is still valid.

A task stores one file named by the digest of its arguments. It is valid as long as every path, unit and name in its
evidence is unchanged: an inode with the same size, times, mode and owner; the same process of a unit, which is
healthy; the same output of a read-only command. The state of the kernel is inspected again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.fingerprints import expand
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen

DIRECTORY = "/var/lib/hardway/cached-results"
SALT = ".salt"
# Seconds after which unused results are removed, because the arguments have changed.
KEPT = 90 * 86400.0

Show = Callable[[list[str]], Mapping[str, Seen]]
# Returns an empty string for a healthy endpoint, else the problem.
HealthCheck = Callable[[Mapping[str, Any]], str]
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
    """Store a cached result: a task with this key would change nothing now.

    If another program has changed a file since this module started, the inspection may be outdated, and nothing is
    stored. ``absent`` are the paths that do not exist; ``accepted`` are those that
    another program may have changed, as a unit does when it starts.

    ``names`` are directories or globs whose list of files matters; ``health`` are endpoints as module unit takes them;
    ``output`` is what commands printed; ``until`` is when the result ends by itself, in seconds since 1970; ``kernel``
    are the options of module host_settings, whose result is then that of the moment. Without a key, which the action
    plugin gives, nothing is recorded.
    """
    if not key:
        return
    seen = {path: file_state(path) for path in paths}
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
        "output": [[command, digests.of_bytes(printed.encode())] for command, printed in output],
        "until": until,
        "kernel": kernel,
    }
    safe_paths.make_directory(directory, 0o700)
    atomic_files.write(os.path.join(directory, f"{key}.json"), json.dumps(entry).encode(), mode=0o600)


def salt(directory: str = DIRECTORY, *, make: bool) -> str:
    """Return the host's salt, which protects short secrets in digests of arguments."""
    path = os.path.join(directory, SALT)
    found = atomic_files.read(path)
    if found is None and make:
        safe_paths.make_directory(directory, 0o700)
        found = secrets.token_hex(16).encode()
        atomic_files.write(path, found, mode=0o600)
    return (found or b"").decode()


def valid_results(
    show: Show, health_problem: HealthCheck, settled: Settled, directory: str = DIRECTORY, *, clean: bool
) -> dict[str, dict[str, Any]]:
    """Return the valid cached results by key; with ``clean``, remove the others.

    The three functions inspect units, endpoints, and the kernel.
    """
    now, found = time.time(), _read(directory)
    units = sorted({name for entry in found.values() if entry for name in entry["units"]})
    seen = show(units) if units else {}
    stand = {key: entry for key, entry in found.items() if entry and _is_valid(entry, seen, now)}
    unhealthy = _unhealthy([health for entry in stand.values() for health in entry["health"]], health_problem)
    stand = {key: entry for key, entry in stand.items() if not any(health in unhealthy for health in entry["health"])}
    reported = {key: settled(entry["kernel"]) if entry["kernel"] else entry["result"] for key, entry in stand.items()}
    results = {key: dict(result) for key, result in reported.items() if result is not None}
    for key in found.keys() - results.keys() if clean else ():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, f"{key}.json"))
    return results


def file_state(path: str) -> str:
    """Return a string that changes with a path; for a directory only with mode and owner."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISLNK(info.st_mode):
        real = os.path.realpath(path)
        return f"link to {real}: {'itself' if os.path.islink(real) else file_state(real)}"
    owner = f"{info.st_mode:o} {info.st_uid}:{info.st_gid}"
    if stat.S_ISDIR(info.st_mode):
        return owner
    # The status change time cannot be set by programs, so it reveals every change.
    return f"{owner} {info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def _untouched(path: str) -> bool:
    """True when no other program has changed a file since this module began; a directory changes with its entries."""
    try:
        info = os.stat(path)
    except OSError:
        return True
    return stat.S_ISDIR(info.st_mode) or atomic_files.is_ours(info)


def _prints(command: list[str], digest: str) -> bool:
    """Return whether a command still prints the same."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return digests.of_bytes(done.stdout.encode()) == digest


def process(seen: Seen) -> str:
    """Return a string that changes when a unit is changed, restarted, disabled or fails."""
    return (
        f"{seen.load} {seen.active} {seen.sub} {seen.file_state} {seen.invocation} {seen.main_pid} {seen.need_reload}"
    )


def _read(directory: str) -> dict[str, Optional[dict[str, Any]]]:
    """Return all cached results by key; None for an unreadable or old one."""
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


def _unhealthy(endpoints: list[Mapping[str, Any]], health_problem: HealthCheck) -> list[Mapping[str, Any]]:
    """Return the unhealthy endpoints; each is queried once, in parallel."""
    once = list({json.dumps(health, sort_keys=True): health for health in endpoints}.values())
    return [health for health, reason in zip(once, map_concurrently(health_problem, once)) if reason]


def _is_valid(entry: Mapping[str, Any], seen: Mapping[str, Seen], now: float) -> bool:
    """Return whether all evidence of one cached result is unchanged."""
    return (
        (entry["until"] is None or now < entry["until"])
        and all(file_state(path) == known for path, known in entry["paths"].items())
        and all(expand(name) == known for name, known in entry["names"].items())
        and all(name in seen and process(seen[name]) == known for name, known in entry["units"].items())
        and all(_prints(command, digest) for command, digest in entry["output"])
    )
