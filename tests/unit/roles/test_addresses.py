# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With host names in the inventory, nothing knows the addresses of a cluster before they are gathered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import ROLES

# Playbooks begin with these. What adds hosts has the facts of the preflight.
FIRST = sorted(
    {
        *ROLES.glob("*/tasks/*plan.yml"),
        *(ROLES / "cluster/tasks" / name for name in ("lock_hosts.yml", "upgrade_query.yml")),
        ROLES / "drill/tasks/main.yml",
    }
)
GATHERED = (
    *("import_tasks: addresses.yml", "tasks_from: addresses", "power_units.yml"),
    *("import_tasks: inspect.yml", "import_tasks: upgrade_query.yml"),
)
PLANS = [path for path in FIRST if path.name != "add_plan.yml"]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_plan_gathers_addresses_first(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert any(words in text for words in GATHERED)
