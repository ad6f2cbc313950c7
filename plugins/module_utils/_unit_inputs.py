# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a unit starts from, each with a fingerprint, and the record of them."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Iterable

from ansible_collections.hardway.kubernetes.plugins.module_utils import _atomic, _safe_path
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit import Seen, Stamp

STAMPS = "/var/lib/hardway/units"
OURS = "/etc/systemd/system"


def collect(name: str, seen: Seen, extra: Iterable[str]) -> dict[str, str]:
    """Return a fingerprint for everything that the unit starts from, by path."""
    paths = [seen.fragment, *seen.drop_ins, *drop_ins(name), *seen.environment_files, *extra]
    found = {path: of_file(path) for named in paths if named for path in expand(named)}
    found.update({path: of_binary(path) for path in seen.binaries})
    return found


def foreseen(name: str, extra: Iterable[str], inputs: Iterable[str], predicted: Iterable[str]) -> list[str]:
    """Return which of the files that a check run would have written are among what the unit starts from."""
    places = (f"{OURS}/{name}.d", *extra)
    known = {*inputs, *places, f"{OURS}/{name}"}
    return [path for path in predicted if path in known or any(path.startswith(f"{place}/") for place in places)]


def drop_ins(name: str) -> list[str]:
    """Return the administrator's drop-ins of a unit."""
    return sorted(glob.glob(f"{OURS}/{glob.escape(name)}.d/*.conf"))


def unread(name: str, seen: Seen) -> bool:
    """True when systemd has not read what is on disk. It does not notice a first drop-in by itself."""
    unknown = seen.load == "not-found" and os.path.exists(f"{OURS}/{name}")
    return seen.need_reload or unknown or not set(drop_ins(name)) <= set(seen.drop_ins)


def expand(path: str) -> list[str]:
    """Return the files that a path, a directory or a glob stands for; a missing path stands for itself."""
    matches = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
    return [inner for match in matches for inner in _files_below(match)]


def _files_below(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(os.path.join(base, name) for base, _dirs, names in os.walk(path) for name in names)


def of_file(path: str) -> str:
    """Return the digest of a file's content, or ``absent``."""
    try:
        with open(path, "rb") as stream:
            return "sha256:" + hashlib.sha256(stream.read()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "absent"


def of_binary(path: str) -> str:
    """Return where a program really is, with size and time: reading 100 MB on every run would be too slow."""
    real = os.path.realpath(path)
    try:
        info = os.stat(real)
    except OSError:
        return "absent"
    return f"{real} {info.st_size} {info.st_mtime_ns}"


def read_stamp(name: str, directory: str = STAMPS) -> Stamp | None:
    """Return the record of the unit's last start, or None when there is none that can be read."""
    data = _atomic.read(os.path.join(directory, name + ".json"))
    if data is None:
        return None
    try:
        known = json.loads(data)
        return Stamp(dict(known["inputs"]), str(known["before"]))
    except (ValueError, KeyError, TypeError):
        return None


def write_stamp(name: str, stamp: Stamp, directory: str = STAMPS) -> None:
    """Record what the unit is about to be started from, and which process must not be mistaken for the new one."""
    _safe_path.make_directory(directory, 0o700)
    data = json.dumps({"inputs": dict(stamp.inputs), "before": stamp.before}, indent=1, sort_keys=True)
    _atomic.write(os.path.join(directory, name + ".json"), data.encode() + b"\n", mode=0o600)


def forget_stamp(name: str, directory: str = STAMPS) -> None:
    """Remove the record of a unit that is no more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, name + ".json"))
