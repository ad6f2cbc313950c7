# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and interfaces that a unit makes when it starts; it is restarted if they are missing or changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Plan, Seen

# Times of files come from a clock that ticks some hundred times a second.
MARGIN = 0.05
# What the kernel shows has no times of its own: it exists or not.
KERNEL = "/proc/sys/"


def touched(paths: Iterable[str]) -> dict[str, Optional[float]]:
    """Return when each file was last changed in any way, which cannot be set; None for one that is missing.

    0 for what the kernel shows, such as a network interface.
    """
    found: dict[str, Optional[float]] = {}
    for path in paths:
        try:
            changed = os.lstat(path).st_ctime
            found[path] = 0.0 if path.startswith(KERNEL) else changed
        except (FileNotFoundError, NotADirectoryError):
            found[path] = None
    return found


def with_outputs(plan: Plan, seen: Seen, outputs: Mapping[str, Optional[float]], since: float) -> Plan:
    """Return the plan, extended by a restart if outputs changed after ``since``, when the unit became active."""
    if not seen.running or plan.action not in ("none", "reload"):
        return plan
    reasons = problems(outputs, since)
    return replace(plan, action="restart", reasons=(*plan.reasons, *reasons)) if reasons else plan


def problems(outputs: Mapping[str, Optional[float]], since: float) -> list[str]:
    """Return the outputs that are missing or changed after ``since``, with the reason."""
    return [
        f"{path} is gone" if moment is None else f"{path} was changed by others"
        for path, moment in sorted(outputs.items())
        if moment is None or moment > since + MARGIN
    ]
