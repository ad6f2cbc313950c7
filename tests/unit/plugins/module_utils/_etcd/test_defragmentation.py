# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members are defragmented, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import defragmentation


def answer(number: str, free: int, leader: str = "a1", size: int = 1000) -> dict[str, Any]:
    """Return a member's answer."""
    return {"id": number, "leader": leader, "db_size": size, "db_size_in_use": size - free * size // 100}


@pytest.mark.parametrize(
    ("threshold", "full", "chosen"),
    [
        (40.0, False, ["a3", "a1"]),
        (0.0, False, ["a2", "a3", "a1"]),
        (90.0, False, []),
        (90.0, True, ["a2", "a3", "a4", "a1"]),
    ],
)
def test_those_above_the_threshold_the_leader_last(threshold: float, full: bool, chosen: list[str]) -> None:
    answers = [answer("a1", 41), answer("a2", 40), answer("a3", 80), answer("a4", 0)]
    assert [one["id"] for one in defragmentation.worthwhile(answers, threshold, full)] == chosen


def test_an_empty_file_has_nothing_free() -> None:
    assert defragmentation.free_share(answer("a1", 0, size=0)) == 0.0


def test_with_users_and_roles_only_the_leader_knows_that_it_leads() -> None:
    answers = [answer("a1", 50), answer("a2", 50, leader="?")]
    assert [one["id"] for one in defragmentation.order(answers)] == ["a2", "a1"]
