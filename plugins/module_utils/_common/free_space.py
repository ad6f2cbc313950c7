# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for room before something large is written."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

MIB = 1024 * 1024


def require_room(directory: Path, needed: int, purpose: str, remedy: str) -> None:
    """Raise unless the file system of a directory, which need not exist, has so many bytes left for all users."""
    existing = next(one for one in (directory, *directory.parents) if one.exists())
    found = os.statvfs(existing)
    free = found.f_bavail * found.f_frsize
    if free < needed:
        raise HardwayError(f"{directory}: {free // MIB} MiB free, {needed // MIB} MiB needed for {purpose}; {remedy}")
