# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a node or a pod is Ready."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready

OTHER = {"type": "MemoryPressure", "status": "True"}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"conditions": [OTHER, {"type": "Ready", "status": "True"}]}, True),
        ({"conditions": [OTHER, {"type": "Ready", "status": "Unknown"}]}, False),
        ({"conditions": [OTHER]}, False),
        ({"conditions": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_is_ready(status: Any, ready: bool) -> None:
    assert is_ready({"status": status}) is ready
