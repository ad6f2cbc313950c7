# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads that a host makes itself, in a directory below the binaries that is gone afterwards.

A partial download stays there if it was interrupted: the next run continues or removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import Unreachable, download, shown
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import Placed
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.unpack import extract
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

REMEDY = "check that this host reaches it, also through its proxy, or set cluster_download_from: controller"


@dataclass(frozen=True)
class HostDownload:
    """One download, and the path of each wanted binary in it; empty if the download is the binary itself."""

    component: str
    version: str
    url: str
    digest: str
    members: Mapping[str, str]

    def has(self, wanted: Placed) -> bool:
        """Return whether it contains a binary."""
        return (wanted.component, wanted.label) == (self.component, self.version) and wanted.name in self.members


def directory(root: str) -> str:
    """Return the directory of downloads."""
    return os.path.join(root, ".downloads")


def fetch(
    downloads: Iterable[HostDownload], absent: Iterable[Placed], root: str, *, reread: bool = False
) -> tuple[int, list[str]]:
    """Download and install absent binaries; return how many bytes came, and one line for each failure."""
    came, absent = 0, list(absent)
    problems: list[str] = []
    if not absent:
        return came, problems
    unreachable: dict[str, Unreachable] = {}
    with _locked(root):
        for each in downloads:
            server = urlsplit(each.url).netloc
            # A process of an interrupted run may have installed them meanwhile.
            lacking = [want for want in absent if each.has(want) and not install.present(want, root, reread=reread)]
            if not lacking:
                continue
            try:
                if server in unreachable:
                    # Further downloads from that server would run into the same timeout.
                    raise unreachable[server]
                came += _install(each, lacking, root)
            except HardwayError as exc:
                if isinstance(exc, Unreachable):
                    unreachable[server] = exc
                names = ", ".join(sorted({want.name for want in lacking}))
                problems.append(f"{each.component} {each.version}: {names}: {exc}; {REMEDY}")
    return came, problems


def clean(root: str) -> None:
    """Remove what an interrupted run left, unless another one downloads now."""
    if os.path.lexists(directory(root)):
        with contextlib.suppress(BlockingIOError), _locked(root, fcntl.LOCK_NB):
            shutil.rmtree(directory(root), ignore_errors=True)


def _install(wanted: HostDownload, lacking: list[Placed], root: str) -> int:
    """Download one file and install its binaries."""
    scratch = directory(root)
    safe_paths.make_directory(scratch, 0o700)
    safe_paths.set_attributes(scratch, 0o700, 0, 0)
    algorithm, _colon, digest = wanted.digest.partition(":")
    path = os.path.join(scratch, f"{wanted.component}-{wanted.version}-{digest[:40]}")
    verified = os.path.isfile(path) and digests.of_file(path, algorithm) == digest
    came = 0 if verified else download(wanted.url, path, algorithm, digest)
    members = {want.name: wanted.members[want.name] for want in lacking if wanted.members[want.name]}
    sums = extract(path, members, scratch) if members else {}
    for want in {each.path(root): each for each in lacking}.values():
        if not wanted.members[want.name]:
            install.install(replace(want, sha256=digests.of_file(path)), root, path)
        elif want.name in sums:
            install.install(replace(want, sha256=sums[want.name]), root, os.path.join(scratch, want.name))
        else:
            raise HardwayError(f"{want.name} is not in {shown(wanted.url)}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return came


@contextlib.contextmanager
def _locked(root: str, flags: int = 0) -> Iterator[None]:
    """Lock the downloads against a process that an interrupted run has left."""
    safe_paths.make_directory(root)
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | flags)
        yield
    finally:
        os.close(handle)
