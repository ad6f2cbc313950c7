# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates leases. No I/O."""

from __future__ import annotations

import datetime
from typing import Any, Optional


def moment(text: Optional[str]) -> Optional[datetime.datetime]:
    """Return the moment of an RFC 3339 text with or without fraction, None when there is none."""
    try:
        # Python 3.9 does not know the Z.
        found = datetime.datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    # One without a zone could not be compared with any other.
    return found if found.tzinfo else None


def server_time(date: Optional[str]) -> datetime.datetime:
    """Return the server's clock from its Date header, ours where it sends none: hosts' clocks may differ."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date or "")
    except (TypeError, ValueError, IndexError):
        return datetime.datetime.now(datetime.timezone.utc)


def age(lease: Optional[dict[str, Any]], now: datetime.datetime) -> Optional[float]:
    """Return the seconds since the lease was renewed, None for one that never was."""
    renewed = moment(((lease or {}).get("spec") or {}).get("renewTime"))
    return (now - renewed).total_seconds() if renewed else None


def held(lease: Optional[dict[str, Any]], now: datetime.datetime) -> bool:
    """Return whether the lease is held and was renewed within its duration."""
    seconds = age(lease, now)
    spec = (lease or {}).get("spec") or {}
    # The Date header has whole seconds, so that a fresh renewal may seem to lie in the future.
    return bool(spec.get("holderIdentity")) and seconds is not None and seconds <= spec.get("leaseDurationSeconds", 0)
