# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as objects and leases hold them."""

from __future__ import annotations

import datetime
import time
from typing import Optional


def moment(seconds: Optional[float] = None) -> str:
    """Return a time since the epoch, or now, as objects hold it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def micro() -> str:
    """Return now as leases hold it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def over(text: Optional[str], grace: float = 0) -> bool:
    """Say whether a moment has passed, by more than some seconds; one that cannot be read has, none has not."""
    limit = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=grace)
    try:
        return bool(text) and datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")) < limit
    except ValueError:
        return True
