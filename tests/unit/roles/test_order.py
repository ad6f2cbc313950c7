# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts are shown and used in the order of the inventory, or in the order in which they were named."""

from __future__ import annotations

import re

from tests.support.repository import ROLES

# Ansible makes sets of lists, so their order differs from run to run. With sort, or in a condition, it does not matter.
UNORDERED = re.compile(
    r"\|\s*(?:intersect|difference|union)\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:\|\s*(?:join|first|zip|map)\b|\}\})"
)


def test_no_text_has_a_list_without_an_order() -> None:
    found = [
        f"{path.relative_to(ROLES)}: {match.group()}"
        for path in sorted(ROLES.rglob("*.yml"))
        for match in UNORDERED.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
