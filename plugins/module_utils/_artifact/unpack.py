# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts binaries from a verified archive; on the controller or on a host."""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from collections.abc import Mapping

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

CHUNK = 1 << 20


def extract(archive: str, members: Mapping[str, str], directory: str) -> dict[str, str]:
    """Extract members (paths in the archive by name) in one pass; return the SHA-256 of those found, by name."""
    names = {os.path.normpath(path): name for name, path in members.items()}
    sums: dict[str, str] = {}
    try:
        with tarfile.open(archive, mode="r|*") as packed:
            for member in packed:
                name = names.get(os.path.normpath(member.name))
                stream = packed.extractfile(member) if name and member.isreg() else None
                if name and stream:
                    target = os.path.join(directory, name)
                    with open(target, "wb") as out:
                        shutil.copyfileobj(stream, out, CHUNK)
                    sums[name] = digests.of_file(target)
                    if len(sums) == len(members):
                        break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as exc:
        raise HardwayError(f"{archive} cannot be unpacked: {exc}") from exc
    return sums
