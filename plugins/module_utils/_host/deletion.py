# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes trees without leaving the mount that they are on, and without following a link."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

_ENTER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A container can nest directories deeper than a path or a stack is long; such trees are moved to the top first.
DEEPEST = 100
DEEP = ".hardway-deep"


class _Found(Exception):
    """There is something to delete, and a dry run need not know more."""


class Tree:
    """A directory that is emptied."""

    def __init__(self, path: str, dry: bool = False) -> None:
        """Take the directory; with ``dry``, only find out whether there is something to delete."""
        self.path, self.dry = path, dry
        self.deleted = 0
        # What stays: mount points, with what is mounted there.
        self.left: list[str] = []
        self._moved = 0

    def empty(self) -> None:
        """Delete everything in the directory that is on the same mount."""
        with _entered(self.path) as top:
            mount = mount_of(top)
            again = True
            while again:
                self.left, before = [], self._moved
                self._empty(top, top, mount, self.path, 0)
                again = self._moved > before

    def _empty(self, top: int, above: int, mount: int, path: str, depth: int) -> None:
        """Empty one open directory."""
        for name, is_directory in _entries(above):
            if not is_directory:
                self._delete(name, above, f"{path}/{name}", os.unlink)
                continue
            try:
                # Nothing asks the file system that is mounted there, which may not answer.
                with _entered(name, above) as below:
                    left = len(self.left)
                    if mount_of(below) != mount:
                        self.left.append(f"{path}/{name}")
                    elif depth >= DEEPEST and not self.dry:
                        self._move_up(name, above, top)
                        continue
                    else:
                        self._empty(top, below, mount, f"{path}/{name}", depth + 1)
            except FileNotFoundError:
                # Of a program that still runs, where only a plan is made.
                continue
            except OSError as exc:
                raise HardwayError(f"{path}/{name}: cannot be read: {exc.strerror}; see its file system") from exc
            if len(self.left) == left:
                self._delete(name, above, f"{path}/{name}", os.rmdir)

    def _move_up(self, name: str, above: int, top: int) -> None:
        """Move a directory to the top, where the next pass finds it."""
        self._moved += 1
        os.rename(name, f"{DEEP}-{os.getpid()}-{self._moved}", src_dir_fd=above, dst_dir_fd=top)

    def _delete(self, name: str, above: int, path: str, how: object) -> None:
        self.deleted += 1
        if self.dry:
            raise _Found
        try:
            how(name, dir_fd=above)  # type: ignore[operator]
        except FileNotFoundError:
            return
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be deleted: {exc.strerror}; delete it yourself and run again") from exc


def delete(path: str, dry: bool = False) -> tuple[bool, list[str]]:
    """Delete a directory, or empty it if it is a mount point or reached by a link.

    Return whether there was anything to delete, and the mount points that stay.
    """
    if not os.path.lexists(path):
        return False, []
    real = safe_paths.real(path)
    if not os.path.isdir(real):
        # A link that leads nowhere is the operator's, too.
        return not os.path.islink(path) and delete_file(path, dry), []
    tree = Tree(real, dry)
    with contextlib.suppress(_Found):
        tree.empty()
    stays = tree.left or real != os.path.abspath(path) or is_mount_point(real)
    if not stays:
        tree.deleted += 1
        if not dry:
            with safe_paths.parent(real) as (above, name):
                os.rmdir(name, dir_fd=above)
    return bool(tree.deleted), tree.left


def delete_file(path: str, dry: bool = False) -> bool:
    """Delete a file or a link, not what it leads to; return whether there was one."""
    if not os.path.lexists(path):
        return False
    if not dry:
        try:
            with safe_paths.parent(path) as (above, name):
                os.unlink(name, dir_fd=above)
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be deleted: {exc.strerror}; delete it yourself and run again") from exc
    return True


def is_mount_point(path: str) -> bool:
    """Return whether a directory is on another mount than the one above it."""
    with _entered(path) as itself, _entered(os.path.dirname(path) or "/") as above:
        return mount_of(itself) != mount_of(above)


def mount_of(handle: int) -> int:
    """Return the number of the mount that an open directory is on; unlike its device, a bind mount has its own."""
    with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("mnt_id:"))


@contextlib.contextmanager
def _entered(path: str, above: int | None = None) -> Iterator[int]:
    handle = os.open(path, _ENTER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def _entries(handle: int) -> list[tuple[str, bool]]:
    """Return the names in an open directory, and which are directories."""
    readable = os.open(".", _LIST, dir_fd=handle)
    try:
        with os.scandir(readable) as found:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    finally:
        os.close(readable)
