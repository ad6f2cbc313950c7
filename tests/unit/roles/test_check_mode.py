# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans are the same in check mode: what they read is read then, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repository import ROLES

# Modules of ansible.builtin that only read here, and that check mode skips.
SKIPPED = {f"ansible.builtin.{name}" for name in ("command", "uri", "wait_for")}
PLANS = sorted(ROLES.glob("*/tasks/*plan*.yml"))


def tasks(entries: list[dict[str, Any]], inherited: Any = None) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the tasks of a file, those in blocks, too, each with the check_mode that it has."""
    for entry in entries:
        mode = entry.get("check_mode", inherited)
        if "block" in entry:
            yield from tasks(entry["block"] + entry.get("rescue", []), mode)
        else:
            yield entry, mode


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_plan_reads_in_check_mode_what_it_reads_otherwise(path: Path) -> None:
    found = list(tasks(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert [task["name"] for task, mode in found if task.keys() & SKIPPED and mode is not False] == []
