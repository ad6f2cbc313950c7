# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of temporary files that contain their process, so that later runs remove those of killed processes.

A name holds the process that made it: its number, when it started, and the namespace in which the number counts. So
what a killed process left is distinguished from what another run writes at this moment.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from typing import Optional

# A name of another namespace says nothing of a process here: such a file must be old.
OLD = 86400.0
_MAKER = r"(?P<space>[0-9a-f]+)-(?P<pid>[0-9]+)-(?P<start>[0-9]+)-[0-9a-f]{8}"


def file_name(name: str) -> str:
    """Return a new name beside that of a file. Daemons that watch a directory (CNI, systemd) pass over its suffix."""
    return f".{name}.{_maker()}.tmp"


def sweep(name: str, handle: int) -> None:
    """Remove temporary files of ended processes for this file name in an open directory."""
    prefix = f".{name}."
    for found in _names(handle):
        if not found.startswith(prefix) or not found.endswith(".tmp"):
            continue
        with contextlib.suppress(OSError):
            info = os.stat(found, dir_fd=handle, follow_symlinks=False)
            if stat.S_ISREG(info.st_mode) and is_abandoned(found[len(prefix) : -len(".tmp")], info.st_mtime):
                os.unlink(found, dir_fd=handle)


def _names(handle: int) -> list[str]:
    """Return the names in a directory; its handle may be one that only leads there."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
    try:
        return os.listdir(readable)
    finally:
        os.close(readable)


@contextlib.contextmanager
def scratch(place: Optional[str] = None) -> Iterator[str]:
    """Create a temporary private directory, and remove those of this user's ended processes."""
    place = place or tempfile.gettempdir()
    for found in os.scandir(place):
        with contextlib.suppress(OSError):
            info = found.stat(follow_symlinks=False)
            ours = found.name.startswith("hardway-") and info.st_uid == os.geteuid()
            if ours and stat.S_ISDIR(info.st_mode) and is_abandoned(found.name[len("hardway-") :], info.st_mtime):
                shutil.rmtree(found.path, ignore_errors=True)
    # Its random part is not for secrecy: mkdir refuses a name that is taken.
    made = os.path.join(place, f"hardway-{_maker()}")
    os.mkdir(made, 0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def is_abandoned(maker: str, modified: float) -> bool:
    """Return whether the process with this part in its file name has ended."""
    known = re.fullmatch(_MAKER, maker)
    if known and known["space"] == _namespace():
        return _start_of(int(known["pid"])) != known["start"]
    return bool(known) and time.time() - modified > OLD


def _maker() -> str:
    """Return a string that identifies this process and this call."""
    pid = os.getpid()
    return f"{_namespace()}-{pid}-{_start_of(pid)}-{secrets.token_hex(4)}"


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks since boot; 0 if there is none or it is unknown."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            # The command's name, in parentheses, may hold anything.
            return stream.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return "0"


@cache
def _namespace() -> str:
    """Return in which namespace process numbers count: containers may share a directory."""
    try:
        return f"{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return "0"
