# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files atomically."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import time
from collections.abc import Iterator
from typing import BinaryIO

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import leftovers, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.safe_paths import parent

# A module loads this before it inspects anything. Times of files come from a clock that ticks a hundred times a second.
BEGAN = time.time() - 0.05
# The number of root, and the one that means to leave an owner as it is.
ROOT, UNSET = 0, -1
# What this process has written, or found untouched, by inode. What else changed since it began, another one changed.
_OURS: set[tuple[int, int, int, int]] = set()


def is_ours(info: os.stat_result) -> bool:
    """True when a file was last changed by this process, or before this process read anything."""
    return info.st_ctime < BEGAN or _content(info) in _OURS


def remember(info: os.stat_result) -> None:
    """Take note of a file that this process has written."""
    _OURS.add(_content(info))


def _content(info: os.stat_result) -> tuple[int, int, int, int]:
    """Return what stays the same when a file is renamed, linked, or given another owner or mode."""
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size


def write(path: str, data: bytes, *, mode: int, owner: str | None = None, group: str | None = None) -> None:
    """Replace path by data; owner and mode are set before the file gets its name."""
    place(stage(path, data, mode=mode, owner=owner, group=group), path)
    sync_directory(os.path.dirname(path) or ".")


def stage(
    path: str, data: bytes, *, mode: int, owner: str | None = None, group: str | None = None, sync: bool = True
) -> str:
    """Return the name beside path under which data is ready to take its place.

    Without sync it is not on the disk yet: who stages many has them synchronised together, which takes far less time.
    """
    with _staged(path, mode, owner, group, sync) as (temporary, stream):
        stream.write(data)
    return temporary


@contextlib.contextmanager
def replacing(path: str, *, mode: int) -> Iterator[BinaryIO]:
    """Yield a stream, for much data, whose content replaces path once the block has ended without an error."""
    with contextlib.ExitStack() as staged:
        temporary, stream = staged.enter_context(_staged(path, mode, None, None, True))
        yield stream
    place(temporary, path)
    sync_directory(os.path.dirname(path) or ".")


@contextlib.contextmanager
def _staged(path: str, mode: int, owner: str | None, group: str | None, sync: bool) -> Iterator[tuple[str, BinaryIO]]:
    """Yield a name beside path, and the stream of its content."""
    uid, gid = user_id(owner, path), group_id(group, path)
    directory = os.path.dirname(path)
    with _explained(path, f"in {directory or '.'}"), parent(path) as (above, name):
        leftovers.sweep(name, above)
        temporary = leftovers.file_name(name)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=above)
    with _or_forget(os.path.join(directory, temporary), path), os.fdopen(handle, "wb") as stream:
        yield os.path.join(directory, temporary), stream
        stream.flush()
        os.fchown(stream.fileno(), uid, gid)
        os.fchmod(stream.fileno(), mode)
        if sync:
            os.fsync(stream.fileno())
        remember(os.fstat(stream.fileno()))


def place(temporary: str, path: str) -> None:
    """Rename a staged file to its target; sync the directory to make that permanent."""
    with _or_forget(temporary, path), parent(temporary) as (source, old), parent(path) as (target, new):
        os.replace(old, new, src_dir_fd=source, dst_dir_fd=target)


def sync(path: str) -> None:
    """Sync the content of a file to disk."""
    with _explained(path), safe_paths.opened(path) as handle:
        os.fsync(handle)


def same(path: str, data: bytes, mode: int, owner: str | None = None, group: str | None = None) -> bool:
    """True when path is a regular file with exactly this content, mode, owner and group."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
        return False
    return not attributes_differ(found, mode, owner, group) and read(path) == data


def attributes_differ(found: os.stat_result, mode: int, owner: str | None, group: str | None) -> bool:
    """True when mode, owner or group differ; a user that does not exist yet differs from any."""
    try:
        uid, gid = user_id(owner, ""), group_id(group, "")
    except HardwayError:
        return True
    return stat.S_IMODE(found.st_mode) != mode or uid not in (UNSET, found.st_uid) or gid not in (UNSET, found.st_gid)


def set_attributes(path: str, mode: int, owner: str | None, group: str | None) -> None:
    """Set owner, group and mode of a path; a link is followed only if only root could have created it."""
    info = os.stat(path)
    if is_ours(info):
        remember(info)
    with _explained(path):
        safe_paths.set_attributes(path, mode, user_id(owner, path), group_id(group, path))


def read(path: str) -> bytes | None:
    """The content of path, or None when there is no such file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def user_id(name: str | None, path: str) -> int:
    """The number of a user given by name or number. For None root's, as of a new file, and -1 (leave it) for others."""
    if name is None:
        return UNSET if os.geteuid() else ROOT
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError as exc:
        raise HardwayError(f"{path}: no user {name} on this host; create it first") from exc


def group_id(name: str | None, path: str) -> int:
    """The number of a group given by name or number; for None as with users."""
    if name is None:
        return UNSET if os.geteuid() else ROOT
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError as exc:
        raise HardwayError(f"{path}: no group {name} on this host; create it first") from exc


def sync_directory(path: str) -> None:
    """Sync a directory to disk."""
    with safe_paths.opened(path) as handle:
        os.fsync(handle)


def forget(path: str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError), parent(path) as (above, name):
        os.unlink(name, dir_fd=above)


@contextlib.contextmanager
def _or_forget(temporary: str, path: str) -> Iterator[None]:
    """Remove an unfinished file on failure, and raise a clear error."""
    with _explained(path):
        try:
            yield
        except BaseException:
            forget(temporary)
            raise


@contextlib.contextmanager
def _explained(path: str, where: str = "") -> Iterator[None]:
    """Return the error for a path that cannot be written."""
    try:
        yield
    except OSError as exc:
        what = f"cannot write {where}".rstrip()
        remedy = "free disk space or fix its mode"
        if exc.errno == errno.EPERM and not os.geteuid():
            remedy = "lsattr shows whether it, or its directory, is immutable, and chattr -i -a ends that"
        raise HardwayError(f"{path}: {what}: {exc.strerror}; {remedy}") from exc
