# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a condition, with an injectable clock so that tests do not sleep."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")

LONGEST_INTERVAL = 1.0
GROWTH = 1.25


def wait_until(
    probe: Callable[[], T],
    accept: Callable[[T], bool],
    *,
    timeout: float,
    interval: float = 0.2,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[bool, T]:
    """Return (accepted, last probe). Probes at least once; never sleeps beyond the deadline."""
    deadline = clock() + timeout
    pause = interval
    while True:
        seen = probe()
        if accept(seen):
            return True, seen
        left = deadline - clock()
        if left <= 0:
            return False, seen
        sleep(min(pause, left))
        pause = min(pause * GROWTH, max(LONGEST_INTERVAL, interval))
