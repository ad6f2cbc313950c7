# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate and its key become another pair by one rename, wherever a run dies.

Both pairs are laid beside the files, in .NAME.old and .NAME.new, and a link .NAME.pair leads to the old one. Then the
two files become links through .NAME.pair, which changes nothing for who reads them; .NAME.pair is turned to the new
pair, which changes both at once; and the two files become plain files again, which changes nothing. So at every moment
both paths lead to the same pair, and before and after there are plain files for programs and auditors to look at.
What a run leaves that dies on the way works; the next one tidies it up.
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
class Switch:
    """Where a certificate and its key are."""

    certificate: str
    key: str

    @property
    def link(self) -> str:
        """Return the link that both files lead through while they change."""
        return self._beside("pair")

    def interrupted(self) -> bool:
        """True when an earlier run died while it changed the pair."""
        return any(os.path.lexists(self._beside(name)) for name in ("pair", "old", "new"))

    def recover(self) -> None:
        """Make plain files of the pair in use, whichever it is, and remove the other."""
        if not self.interrupted():
            return
        if os.path.lexists(self.link):
            self._settle_all()
            atomic_files.forget(self.link)
        for name in ("old", "new"):
            shutil.rmtree(self._beside(name), ignore_errors=True)

    def _settle_all(self) -> None:
        """Make plain files of the pair that the link leads to; a link that leads elsewhere was not made here."""
        target = os.readlink(self.link)
        if target not in (os.path.basename(self._beside(name)) for name in ("old", "new")):
            return
        side = os.path.join(os.path.dirname(self.link), target)
        for half, path in self._halves():
            self._settle(os.path.join(side, half), path, half)
        self._sync()

    def to(self, certificate: bytes, key: bytes, owner: str | None, group: str | None) -> None:
        """Put another pair in place of the one that is there."""
        self.recover()
        if not os.path.lexists(self.certificate):
            # A key alone is no pair that anybody could use.
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
                f"{self.certificate}: cannot be replaced with its key: {exc.strerror}; make room or mend the directory"
            ) from exc
        self.recover()

    def _exchange(self) -> None:
        """Lead both files through the link, then turn it. Each step is on the disk before the next one begins."""
        atomic_files.sync_directory(self._beside("old"))
        self._turn("old")
        for half, path in self._halves():
            _relink(self._through(half, path), path)
        self._sync()
        self._turn("new")

    def _turn(self, name: str) -> None:
        """Let the link lead to the old pair or to the new one."""
        _relink(os.path.basename(self._beside(name)), self.link)
        atomic_files.sync_directory(os.path.dirname(self.link))

    def _settle(self, source: str, path: str, half: str) -> None:
        """Make path the plain file that it leads to; where it leads to none, there was none."""
        if os.path.lexists(source):
            # The source stays: who has just read the link is about to open it.
            temporary = _temporary(path)
            atomic_files.forget(temporary)
            _copy(source, temporary)
            atomic_files.place(temporary, path)
            # Two names of the same file are left as they are by a rename.
            atomic_files.forget(temporary)
        elif os.path.islink(path) and os.readlink(path) == self._through(half, path):
            atomic_files.forget(path)

    def _through(self, half: str, path: str) -> str:
        """Return the content of the symbolic link at path."""
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
    """Make path a symbolic link, in place of whatever file it is."""
    temporary = _temporary(path)
    atomic_files.forget(temporary)
    with safe_paths.parent(temporary) as (above, name):
        os.symlink(target, name, dir_fd=above)
    atomic_files.place(temporary, path)


def _temporary(path: str) -> str:
    """Return the name beside path of what is about to take its place."""
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.link")


def _copy(source: str, path: str) -> None:
    """Give a file a second name; where that cannot be, copy it. There may be none."""
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
