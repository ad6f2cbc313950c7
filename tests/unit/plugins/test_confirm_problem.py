# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the name of the cluster confirms, and unknown words of force are refused."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.filter.confirm_problem import confirm_problem


@pytest.mark.parametrize(
    ("confirm", "forced", "problem"),
    [
        ("", [], ""),
        ("prod", ["pdb"], ""),
        ("test", ["pdb"], "confirm: test is not the name of this cluster; give -e confirm=prod"),
        (True, [], "confirm: True is not the name of this cluster; give -e confirm=prod"),
        ("prod", ["pdb", "rom", "all"], "force: rom, all: unknown; use some of pdb, room"),
    ],
)
def test_confirmation(confirm: object, forced: list[str], problem: str) -> None:
    assert confirm_problem(confirm, "prod", forced, ["pdb", "room"]) == problem
