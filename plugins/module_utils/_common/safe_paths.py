# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe file operations as root in directories where a service user may plant links.

A link is followed only if only root could have created it. What is done to a file is done
to one that is open, or to a name in a directory that is open, so it cannot be exchanged meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

LONGEST_CHAIN = 40
DIRECTORY_MODE = 0o755
# macOS, which may be the controller, has no O_PATH.
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def directory(path: str, *, create: int | None = None) -> Iterator[int]:
    """Open the directory at path; with ``create``, a mode, make what is missing on the way, whatever the umask."""
    handle = _walk(path, create)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def parent(path: str, *, create: int | None = None) -> Iterator[tuple[int, str]]:
    """Open the directory that path is in, and give the name in it, which may be a link."""
    above, name = os.path.split(path)
    with directory(above or ".", create=create) as handle:
        yield handle, name


def real(path: str) -> str:
    """Resolve a path, following only links that only root could have created."""
    for links in range(LONGEST_CHAIN):
        with parent(path) as (above, name):
            if not name or not _is_link(name, above):
                return path
            path = os.path.join(os.path.dirname(path), _target(name, above, path, links))
    raise HardwayError(f"{path}: leads through more than {LONGEST_CHAIN} links; name the file itself")


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a file or directory to do something to it."""
    with parent(real(path)) as (above, name):
        handle = os.open(name or ".", _LOOK, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def is_trusted(handle: int) -> bool:
    """Return whether only root can write to an open directory."""
    found = os.fstat(handle)
    others = 0o002 if found.st_gid == 0 else 0o022
    return os.geteuid() != 0 or (found.st_uid == 0 and not found.st_mode & others)


def set_attributes(path: str, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Give a file or directory owner, group and mode, in that order: a chown clears special bits."""
    with opened(path) as handle:
        found = os.fstat(handle)
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            raise HardwayError(f"{path}: is neither a file nor a directory; remove it")
        if (uid, gid) != (-1, -1):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)


def make_directory(path: str, mode: int = DIRECTORY_MODE) -> None:
    """Ensure a directory; created ones get this mode regardless of the umask. An existing one is not changed."""
    try:
        with directory(path, create=mode):
            pass
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be created: {exc.strerror}; move away what is in its place") from exc


def _walk(path: str, create: int | None) -> int:
    """Return the open directory at path."""
    pending = os.path.join(os.getcwd(), path).split("/")[::-1]
    handle = os.open("/", _ENTER)
    links = 0
    try:
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part != ".." and _is_link(part, handle):
                links += 1
                target = _target(part, handle, path, links)
                pending += target.split("/")[::-1]
                if target.startswith("/"):
                    handle = _step("/", handle)
                continue
            handle = _step(part, handle, create)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _target(part: str, handle: int, path: str, links: int) -> str:
    """Return where a link leads; raise if another user may have created it."""
    found = os.stat(part, dir_fd=handle, follow_symlinks=False)
    sticky = bool(os.fstat(handle).st_mode & stat.S_ISVTX) and found.st_uid == 0
    if links > LONGEST_CHAIN:
        raise HardwayError(f"{path}: leads through more than {LONGEST_CHAIN} links; name the directory itself")
    if not is_trusted(handle) and not sticky:
        raise HardwayError(
            f"{path}: {part} is a link in a directory where others than root may write, so it is not followed;"
            " name what it leads to, or take the right to write there from them"
        )
    return os.readlink(part, dir_fd=handle)


def _step(part: str, handle: int, create: int | None = None) -> int:
    """Open a directory below an open one, which is closed; make it where that is asked."""
    try:
        below = os.open(part, _ENTER, dir_fd=handle)
    except FileNotFoundError:
        if create is None:
            raise
        _make(part, handle, create)
        below = os.open(part, _ENTER, dir_fd=handle)
    os.close(handle)
    return below


def _make(part: str, handle: int, mode: int) -> None:
    """Make a directory; its mode is set on the directory itself, for mkdir obeys the umask."""
    try:
        os.mkdir(part, 0o700, dir_fd=handle)
    except FileExistsError:
        return
    made = os.open(part, _LOOK | os.O_DIRECTORY, dir_fd=handle)
    try:
        os.fchmod(made, mode)
    finally:
        os.close(made)


def _is_link(name: str, handle: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name or ".", dir_fd=handle, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
