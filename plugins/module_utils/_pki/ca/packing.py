# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a PKI directory as one block of bytes, and a digest that depends on their names and contents only.

Locks, temporary files and what belongs to the synchronisation itself are left out.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# What is known of the last synchronisation.
STATE = ".store"
_IGNORED = (".lock", STATE)
# Hosts keep it in one file, and it is in memory as a whole.
LARGEST = 64 * 1024 * 1024


class File(NamedTuple):
    """The content of a file, and its permissions."""

    data: bytes
    mode: int


def read_files(directory: str) -> dict[str, File]:
    """Return the files below a directory, by relative path."""
    found, size = {}, 0
    for path in sorted(_paths(directory)):
        with open(path, "rb") as stream:
            info = os.fstat(stream.fileno())
            size += info.st_size
            if size > LARGEST:
                raise HardwayError(
                    f"{directory}: more than {LARGEST // 1024 // 1024} MiB; move what is not of the CAs to another"
                    " directory"
                )
            found[os.path.relpath(path, directory)] = File(stream.read(), stat.S_IMODE(info.st_mode))
    return found


def _paths(directory: str) -> Iterator[str]:
    """Yield the paths of all files that count."""
    for top, directories, names in os.walk(directory):
        if top == directory:
            directories[:] = [name for name in directories if name not in _IGNORED]
        for name in [*directories, *names]:
            path = os.path.join(top, name)
            # The switch of a pair of files that is being replaced, and temporary files.
            if name.startswith(".") and name.endswith((".tmp", ".pair")):
                continue
            if top == directory and name in _IGNORED:
                continue
            if name in directories and os.path.islink(path):
                raise HardwayError(f"{path}: is a link to a directory, of which no copy is made; move the files here")
            if name in names and os.path.isfile(path):
                yield path


def digest(files: Mapping[str, File]) -> str:
    """Return a digest of names and contents. Permissions differ between file systems without a change of ours."""
    listed = [[path, hashlib.sha256(file.data).hexdigest()] for path, file in sorted(files.items())]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def pack(files: Mapping[str, File]) -> bytes:
    """Return the files as a compressed tar."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(file.data), file.mode
            archive.addfile(entry, io.BytesIO(file.data))
    return zlib.compress(target.getvalue())


def unpack(packed: bytes) -> dict[str, File]:
    """Return the files of a compressed tar."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(zlib.decompress(packed))) as archive:
        for entry in archive.getmembers():
            stream, parts = archive.extractfile(entry), entry.name.split("/")
            if stream is None or entry.name.startswith("/") or ".." in parts or parts[0] in _IGNORED:
                raise HardwayError(f"PKI store: {entry.name} is not a file of a PKI directory; take another copy")
            found[entry.name] = File(stream.read(), entry.mode & 0o777)
    return found
