# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects of the API report about themselves. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_ready(item: Mapping[str, Any]) -> bool:
    """Return whether a node or a pod is Ready; one that has not reported yet is not."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
