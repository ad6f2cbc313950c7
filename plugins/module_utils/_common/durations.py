# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as cfssl and Go write them (87600h, 720h30m), and in days (3650d)."""

from __future__ import annotations

import re
from datetime import timedelta

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|d|h|m|s)")


# What Go's durations can hold, in nanoseconds: 292 years.
_LONGEST = timedelta(microseconds=2**63 // 1000)


def parse(text: str, what: str = "duration", *, zero: bool = False) -> timedelta:
    """Return the duration that text spells, which is nothing only where zero is allowed; what names it in the error."""
    rest = str(text).strip()
    if zero and rest == "0":
        return timedelta(0)
    seconds, position = 0.0, 0
    for part in _PART.finditer(rest):
        if part.start() != position:
            break
        seconds += float(part.group(1)) * _SECONDS[part.group(2)]
        position = part.end()
    if not rest or position != len(rest):
        raise HardwayError(f"{what} {text!r}: not a duration; write it as 8760h, 720h30m or 365d")
    if seconds > _LONGEST.total_seconds():
        raise HardwayError(f"{what} {text!r}: too long; 292 years are the most that Go's durations hold")
    duration = timedelta(seconds=seconds)
    if duration <= timedelta(0) and not zero:
        raise HardwayError(f"{what} {text!r}: must be longer than nothing; write it as 8760h or 365d")
    return duration


def short(duration: timedelta) -> str:
    """Return the two largest units of a duration, for people: 12d4h, 3h5m, 40s."""
    seconds = int(abs(duration.total_seconds()))
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, int(_SECONDS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
