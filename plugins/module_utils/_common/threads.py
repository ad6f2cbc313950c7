# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many items at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_concurrently(work: Callable[[Item], Result], items: Iterable[Item], limit: int = 16) -> list[Result]:
    """Return the results in the order of the items, at most ``limit`` at a time; a slow item delays only itself."""
    listed = list(items)
    with ThreadPoolExecutor(max(1, min(limit, len(listed)))) as pool:
        return list(pool.map(work, listed))
