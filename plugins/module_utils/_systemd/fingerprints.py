# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a unit starts from, and the record of them."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import NEVER, Input, Seen, Stamp

STAMPS = "/var/lib/hardway/units"
# A record of another format is none.
FORMAT = 2
OURS = "/etc/systemd/system"
# Directories that systemd searches for drop-ins, by priority.
SEARCHED = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    OURS,
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)
# systemctl set-property writes here; it takes effect immediately, without a restart.
CONTROL = SEARCHED[:3]


def collect(name: str, seen: Seen, extra: Iterable[str], known: Mapping[str, Input] | None = None) -> dict[str, Input]:
    """Return all inputs of the unit by path; ``known`` are those in its record.

    What the record lists and is gone is among them, and directories, by a name that ends in a slash.
    """
    known = known or {}
    settings = [path for path in seen.drop_ins if not path.startswith(CONTROL)]
    named = [path for path in (seen.fragment, *settings, *drop_ins(name), *seen.environment_files, *extra) if path]
    found = {path: of_file(path) for each in named for path in expand(each)}
    found.update({path: of_binary(path, known.get(path)) for path in seen.binaries})
    there = {path for path, each in known.items() if each.digest != "absent"}
    found.update({path: _gone(path) for path in there - found.keys() if not os.path.lexists(path)})
    places = [path for place in (*drop_in_places(name), *extra) for path in _directories(place)]
    found.update({f"{path}/": Input("directory", "", os.stat(path).st_mtime) for path in places})
    return found


def predicted_inputs(name: str, extra: Iterable[str], inputs: Iterable[str], predicted: Iterable[str]) -> list[str]:
    """Return the inputs of the unit among the files that check mode did not write."""
    places = (f"{OURS}/{name}.d", *extra)
    known = {*inputs, *places, f"{OURS}/{name}"}
    return [path for path in predicted if path in known or any(path.startswith(f"{place}/") for place in places)]


def unit_files(name: str, seen: Seen) -> set[str]:
    """Return the files from which systemd itself knows the unit."""
    return {path for path in (seen.fragment, *seen.drop_ins, *drop_ins(name)) if path}


def drop_in_places(name: str, control: bool = False) -> list[str]:
    """Return all directories in which drop-ins of a unit may be: its own, those of its prefixes and of its type."""
    stem, _dot, kind = name.rpartition(".")
    template, at, _instance = stem.partition("@")
    stems = [stem, *([f"{template}@"] if at else [])]
    stems += [template[: dash.end()] for dash in reversed(list(re.finditer("-", template))) if dash.end() < len(stem)]
    names = [*(f"{each}.{kind}.d" for each in dict.fromkeys(stems)), f"{kind}.d"]
    return [f"{base}/{each}" for each in names for base in SEARCHED if control or base not in CONTROL]


def overrides(name: str) -> list[str]:
    """Return the files in which another unit of this name would come before ours."""
    return [f"{base}/{name}" for base in SEARCHED[: SEARCHED.index(OURS)]]


def drop_ins(name: str) -> list[str]:
    """Return the drop-ins of a unit that are in force; one hides others of its name in less important places."""
    found: dict[str, str] = {}
    for place in drop_in_places(name):
        for path in glob.glob(f"{glob.escape(place)}/*.conf"):
            found.setdefault(os.path.basename(path), path)
    return sorted(found.values())


def replacing_start(seen: Seen) -> list[str]:
    """Return the drop-ins that put another command in place of the unit's own."""
    found = []
    for path in seen.drop_ins:
        with contextlib.suppress(OSError):
            if re.search(rb"^\s*ExecStart\s*=\s*\S", atomic_files.read(path) or b"", re.MULTILINE):
                found.append(path)
    return found


def unread(name: str, seen: Seen) -> bool:
    """True when systemd has not read what is on disk. It does not notice a first drop-in by itself."""
    unknown = seen.load == "not-found" and os.path.exists(f"{OURS}/{name}")
    read = {_real(path) for path in seen.drop_ins}
    return seen.need_reload or unknown or not {_real(path) for path in drop_ins(name)} <= read


def _real(path: str) -> str:
    """Return a path whose directory is no link; /lib may lead to /usr/lib."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def expand(path: str) -> list[str]:
    """Return the files that a path, a directory or a glob stands for; a missing path stands for itself."""
    matches = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
    return [inner for match in matches for inner in _files_below(match)]


def _files_below(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(os.path.join(base, name) for base, _dirs, names in os.walk(path) for name in names)


def _directories(path: str) -> list[str]:
    """Return a directory, or those of a glob, and all below it; nothing for a file."""
    matches = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
    return [base for match in matches if os.path.isdir(match) for base, _dirs, _names in os.walk(match)]


def of_file(path: str) -> Input:
    """Return a file as it is. What changes while it is read is found changed next time: its state is taken first."""
    try:
        links = list(_links(path))
        with open(path, "rb") as stream:
            info = os.fstat(stream.fileno())
            return _input("sha256:" + hashlib.sha256(stream.read()).hexdigest(), [info, *links])
    except (FileNotFoundError, NotADirectoryError):
        parent = os.path.dirname(path)
        return _absent(parent) if os.path.isdir(parent) else Input("absent")


def of_binary(path: str, known: Input | None = None) -> Input:
    """Return a program as it is; its 100 MB are read only when neither the unit's record nor its own knows them."""
    real = os.path.realpath(path)
    try:
        states = [os.stat(real), *_links(path)]
    except OSError:
        return Input("absent")
    if known and known.digest.startswith(f"{real} sha256:") and known.identity == _input("", states).identity:
        return _input(known.digest, states)
    return _input(f"{real} sha256:{install.digest_of(real)}", states)


def _input(digest: str, states: list[os.stat_result]) -> Input:
    """Return an input by the state of its file and of the links that lead to it."""
    identity = " ".join(f"{s.st_ino}:{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}" for s in states)
    return Input(digest, identity, max(state.st_ctime_ns for state in states) / 1e9)


def _absent(directory: str) -> Input:
    """Return a file that is not there; its directory shows when it can have been removed."""
    info = os.stat(directory)
    return Input("absent", f"{info.st_ino}:{info.st_mtime_ns}", info.st_mtime_ns / 1e9)


def _gone(path: str) -> Input:
    """Return a file, known to the record, that is no more, maybe with directories above it."""
    place = os.path.dirname(path)
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    return _absent(place)


def _links(path: str, depth: int = 0) -> Iterator[os.stat_result]:
    """Return the state of every symbolic link on the way to a file."""
    place = "/"
    for part in path.split("/") if depth < 40 else ():
        place = os.path.join(place, part)
        info = os.lstat(place)
        if stat.S_ISLNK(info.st_mode):
            yield info
            yield from _links(os.path.join(os.path.dirname(place), os.readlink(place)), depth + 1)
            place = os.path.realpath(place)


def unread_at_start(inputs: Mapping[str, Input], paths: Iterable[str]) -> dict[str, Input]:
    """Return the inputs with those files marked as such that a running process cannot have been started from."""
    late = {path: Input(inputs[path].digest, inputs[path].identity, NEVER) for path in paths if path in inputs}
    return {**inputs, **late}


def read_stamp(name: str, directory: str = STAMPS) -> Stamp | None:
    """Return the record of the unit's last start, or None without a readable one."""
    data = atomic_files.read(os.path.join(directory, name + ".json"))
    if data is None:
        return None
    try:
        known = json.loads(data)
        if known["format"] != FORMAT:
            return None
        inputs = {path: Input(str(digest), str(identity)) for path, (digest, identity) in known["inputs"].items()}
        return Stamp(inputs, str(known["before"]), str(known["invocation"]), int(known["changed_at"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def write_stamp(name: str, stamp: Stamp, directory: str = STAMPS) -> None:
    """Write the record of what a process was started from, or is about to be."""
    safe_paths.make_directory(directory, 0o700)
    known = {
        "format": FORMAT,
        "inputs": {path: [each.digest, each.identity] for path, each in stamp.inputs.items()},
        "before": stamp.before,
        "invocation": stamp.invocation,
        "changed_at": stamp.changed_at,
    }
    data = json.dumps(known, indent=1, sort_keys=True)
    atomic_files.write(os.path.join(directory, name + ".json"), data.encode() + b"\n", mode=0o600)


def forget_stamp(name: str, directory: str = STAMPS) -> None:
    """Remove the record of a removed unit."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, name + ".json"))
