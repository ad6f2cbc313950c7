# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts below directories: which there are, in which order they end, and who uses them."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

MOUNTINFO = "/proc/self/mountinfo"
# Of mount(2) and umount2(2).
MS_PRIVATE = 1 << 18
UMOUNT_NOFOLLOW = 8


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: its mount point, its peer group (0 for none), and its numbers."""

    number: int
    parent: int
    point: str
    peers: int = 0
    kind: str = ""


def plain(word: str) -> str:
    """Return a path without the octal escapes that the kernel and fstab use for blanks."""
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), os.fsencode(word))
    return os.fsdecode(raw)


def parse(text: str) -> list[Mount]:
    """Return the mounts in the order of mountinfo, in which a later one covers an earlier one."""
    found = []
    for line in text.splitlines():
        head, _dash, tail = line.partition(" - ")
        words = head.split(" ")
        shared = next((word[7:] for word in words[6:] if word.startswith("shared:")), "0")
        found.append(Mount(int(words[0]), int(words[1]), plain(words[4]), int(shared), tail.split(" ")[0]))
    return found


def read() -> list[Mount]:
    """Return the mounts of this process."""
    with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as stream:
        return parse(stream.read())


def fstab_points(text: str) -> set[str]:
    """Return the mount points of fstab."""
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {os.path.normpath(plain(words[1])) for words in lines if len(words) > 1}


def is_below(path: str, directories: Iterable[str]) -> bool:
    """Return whether a path is below one of the directories, and none of them itself."""
    return any(path.startswith(directory.rstrip("/") + "/") for directory in directories)


def to_unmount(mounts: Sequence[Mount], directories: Sequence[str], kept: Iterable[str]) -> list[Mount]:
    """Return the mounts below the directories, deepest first, and of one mount point the topmost first."""
    kept = set(kept)
    below = [mount for mount in mounts if is_below(mount.point, directories) and mount.point not in kept]
    below.reverse()
    return sorted(below, key=lambda mount: -mount.point.count("/"))


def to_make_private(mounts: Sequence[Mount], ending: Sequence[Mount]) -> list[Mount]:
    """Return the mounts whose peers elsewhere would lose what is mounted below them, too."""
    numbers = {mount.number for mount in ending}
    elsewhere = {mount.peers for mount in mounts if mount.peers and mount.number not in numbers}
    parents = {mount.parent for mount in ending}
    return [mount for mount in ending if mount.peers in elsewhere and mount.number in parents]


def users_of(point: str) -> list[str]:
    """Return the processes that use a mount, as the kernel names them."""
    try:
        device = os.stat(point).st_dev
    except OSError:
        return []
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        if any(_is_on(path, point, device) for path in _open_paths(f"/proc/{name}")):
            found.append(f"{name} ({_command(name)})")
    return sorted(found)


def _open_paths(process: str) -> list[str]:
    """Return the links of a process to files and directories that it uses."""
    try:
        return [f"{process}/cwd", f"{process}/root", *(f"{process}/fd/{fd}" for fd in os.listdir(f"{process}/fd"))]
    except OSError:
        return []


def _is_on(link: str, point: str, device: int) -> bool:
    try:
        target = os.readlink(link)
        return (target + "/").startswith(point + "/") and os.stat(link).st_dev == device
    except OSError:
        return False


def _command(process: str) -> str:
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return "ended"


def _call(function: str, *arguments: object) -> int:
    """Call a function of the C library; return the error number, 0 for none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if getattr(libc, function)(*arguments) else 0


def unmount(point: str) -> int:
    """Unmount, never lazily; return the error number."""
    return _call("umount2", os.fsencode(point), UMOUNT_NOFOLLOW)


def make_private(point: str) -> int:
    """Take a mount out of its peer group; return the error number."""
    return _call("mount", None, os.fsencode(point), None, ctypes.c_ulong(MS_PRIVATE), None)


def unmount_below(
    directories: Sequence[str],
    kept: Iterable[str],
    *,
    mounts: Callable[[], list[Mount]] = read,
    end: Callable[[str], int] = unmount,
    privatize: Callable[[str], int] = make_private,
    users: Callable[[str], list[str]] = users_of,
) -> list[str]:
    """Unmount all below the directories but those kept; return their mount points, raise for what is still mounted."""
    kept, done = set(kept), []
    while ending := to_unmount(mounts(), directories, kept):
        for mount in to_make_private(mounts(), ending):
            privatize(mount.point)
        before = len(ending)
        failed: Optional[tuple[Mount, int]] = None
        for mount in ending:
            error = end(mount.point)
            if not error:
                done.append(mount.point)
            elif error not in (errno.EINVAL, errno.ENOENT):
                failed = failed or (mount, error)
        left = to_unmount(mounts(), directories, kept)
        if len(left) >= before or (left and failed):
            mount, error = failed or (left[0], errno.EBUSY)
            raise HardwayError(still_mounted(mount.point, error, users(mount.point)))
    return done


def still_mounted(point: str, error: int, users: Sequence[str]) -> str:
    """Return the error for a mount that does not end."""
    if error != errno.EBUSY:
        return f"{point}: cannot be unmounted: {os.strerror(error)}; unmount it yourself and run the same command again"
    who = f"used by process {', '.join(users)}; end it" if users else "in use; end what uses it, or unmount it yourself"
    return f"{point}: still mounted, {who}, and run the same command again"
