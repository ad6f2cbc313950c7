# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan ends with what happens next, and shows no command that would be refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.filter.plan_with_end import plan_with_end

PLAN = {"cluster": "prod", "confirmed": False, "command": "COMMAND", "text": ["w1: reboot"]}
REFUSED = "Refused: the error that follows says what stands in the way."


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({}, ["Nothing was changed. To go on: COMMAND"]),
        ({"refusals": []}, ["Nothing was changed. To go on: COMMAND"]),
        ({"confirmed": True}, ["Confirmed with confirm=prod"]),
        ({"empty": True, "confirmed": True}, ["Nothing is to be done."]),
        ({"refusals": ["w1: unreachable"]}, [REFUSED]),
        ({"refusals": ["w1: unreachable"], "confirmed": True}, [REFUSED]),
        ({"refusals": ["w1: unreachable"], "empty": True}, [REFUSED]),
        ({"refusals": ["w1: unreachable"], "command": ""}, [REFUSED]),
        ({"command": ""}, []),
    ],
)
def test_the_last_line(more: dict[str, Any], end: list[str]) -> None:
    plan = {**PLAN, **more}
    assert plan_with_end(plan) == {"refusals": [], **plan, "text": ["w1: reboot", *end]}
