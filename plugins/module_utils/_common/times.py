# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in UTC as text."""

from __future__ import annotations

import time
from datetime import datetime, timezone


def stamp(moment: datetime | float) -> str:
    """Return a time, which may be in seconds, as 2026-11-21T01:00:00Z."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def name_stamp() -> str:
    """Return the present time as 20261121T010000Z, for names of files."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
