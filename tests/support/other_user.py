# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user of a service, in whose directories root acts, and modes of files."""

from __future__ import annotations

import stat
from pathlib import Path

OTHER_USER = 12345


def mode(path: Path) -> int:
    """Return the mode of a path itself."""
    return stat.S_IMODE(path.lstat().st_mode)
