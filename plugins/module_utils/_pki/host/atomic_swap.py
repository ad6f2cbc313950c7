# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces a certificate and its key together by one rename, even if a run is interrupted.

Both pairs are written next to the files, in .NAME.old and .NAME.new, and a link .NAME.pair points to the old pair. Then
the two files become links through .NAME.pair, which does not change their contents; .NAME.pair is pointed at the new
pair, which changes both at once; and the two files become plain files again. So both paths always lead to the same
pair, and before and after the swap they are plain files. An interrupted swap leaves a usable pair; the next run
completes it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import CERTIFICATE_MODE, KEY_MODE


@dataclass(frozen=True)
class PairSwap:
    """The paths of a certificate and its key, to be replaced together."""

    certificate: str
    key: str

    @property
    def link(self) -> str:
        """Return the link that both files lead through during a swap."""
        return self._beside("pair")

    def interrupted(self) -> bool:
        """Return whether an earlier swap was interrupted."""
        return any(os.path.lexists(self._beside(name)) for name in ("pair", "old", "new"))

    def recover(self) -> None:
        """Complete an interrupted swap: make the pair in use plain files and remove the other."""
        if not self.interrupted():
            return
        if os.path.lexists(self.link):
            self._restore_plain_files()
            atomic_files.forget(self.link)
        for name in ("old", "new"):
            shutil.rmtree(self._beside(name), ignore_errors=True)

    def _restore_plain_files(self) -> None:
        """Make the pair that the link points to plain files; ignore a link with another target."""
        target = os.readlink(self.link)
        if target not in (os.path.basename(self._beside(name)) for name in ("old", "new")):
            return
        side = os.path.join(os.path.dirname(self.link), target)
        for half, path in self._halves():
            self._restore_plain_file(os.path.join(side, half), path, half)
        self._sync()

    def replace(self, certificate: bytes, key: bytes, owner: str | None, group: str | None) -> None:
        """Replace the pair by another one."""
        self.recover()
        if not os.path.lexists(self.certificate):
            # A key without certificate is not in use, so no swap is needed.
            atomic_files.write(self.key, key, mode=KEY_MODE, owner=owner, group=group)
            atomic_files.write(self.certificate, certificate, mode=CERTIFICATE_MODE, owner=owner, group=group)
            return
        try:
            for name in ("old", "new"):
                with safe_paths.parent(self._beside(name)) as (above, made):
                    os.mkdir(made, dir_fd=above)
                atomic_files.set_attributes(self._beside(name), 0o755, None, None)
            for half, path in self._halves():
                _copy(path, os.path.join(self._beside("old"), half))
            new = {half: os.path.join(self._beside("new"), half) for half, _path in self._halves()}
            atomic_files.write(new["crt"], certificate, mode=CERTIFICATE_MODE, owner=owner, group=group)
            atomic_files.write(new["key"], key, mode=KEY_MODE, owner=owner, group=group)
            self._exchange()
        except OSError as exc:
            raise HardwayError(
                f"{self.certificate}: cannot be replaced with its key: {exc.strerror}; free space or fix the directory"
            ) from exc
        self.recover()

    def _exchange(self) -> None:
        """Turn both files into links, then change the target. Each step is synced to disk before the next one."""
        atomic_files.sync_directory(self._beside("old"))
        self._point_link_at("old")
        for half, path in self._halves():
            _relink(self._through(half, path), path)
        self._sync()
        self._point_link_at("new")

    def _point_link_at(self, name: str) -> None:
        """Point the link at the old or the new pair."""
        _relink(os.path.basename(self._beside(name)), self.link)
        atomic_files.sync_directory(os.path.dirname(self.link))

    def _restore_plain_file(self, source: str, path: str, half: str) -> None:
        """Replace the link at path by the file it points to; remove it if there is none."""
        if os.path.lexists(source):
            # Keep the source: a program may have just resolved the link and be about to open it.
            temporary = _temporary(path)
            atomic_files.forget(temporary)
            _copy(source, temporary)
            atomic_files.place(temporary, path)
            # A rename between two hard links of the same file does nothing.
            atomic_files.forget(temporary)
        elif os.path.islink(path) and os.readlink(path) == self._through(half, path):
            atomic_files.forget(path)

    def _through(self, half: str, path: str) -> str:
        """Return the target of the symbolic link at path."""
        return os.path.relpath(os.path.join(self.link, half), os.path.dirname(path))

    def _halves(self) -> Iterator[tuple[str, str]]:
        yield from (("key", self.key), ("crt", self.certificate))

    def _beside(self, name: str) -> str:
        return f"{self._stem}.{name}"

    @cached_property
    def _stem(self) -> str:
        directory, name = os.path.split(self.certificate)
        return os.path.join(directory, f".{os.path.splitext(name)[0]}")

    def _sync(self) -> None:
        for directory in sorted({os.path.dirname(self.certificate), os.path.dirname(self.key)}):
            atomic_files.sync_directory(directory)


def _relink(target: str, path: str) -> None:
    """Replace path by a symbolic link."""
    temporary = _temporary(path)
    atomic_files.forget(temporary)
    with safe_paths.parent(temporary) as (above, name):
        os.symlink(target, name, dir_fd=above)
    atomic_files.place(temporary, path)


def _temporary(path: str) -> str:
    """Return the name of the temporary file next to path."""
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.link")


def _copy(source: str, path: str) -> None:
    """Hard-link a file, or copy it if that fails; do nothing if it does not exist."""
    source = safe_paths.real(source)
    if not os.path.lexists(source):
        return
    try:
        with safe_paths.parent(source) as (above, old), safe_paths.parent(path) as (below, new):
            os.link(old, new, src_dir_fd=above, dst_dir_fd=below, follow_symlinks=False)
    except OSError:
        with safe_paths.opened(source) as handle:
            found = os.fstat(handle)
            content = os.read(handle, found.st_size)
        atomic_files.write(
            path, content, mode=stat.S_IMODE(found.st_mode), owner=str(found.st_uid), group=str(found.st_gid)
        )
