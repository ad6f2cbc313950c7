# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that tolerate unreachable hosts: in a play with any_errors_fatal, Ansible ends the run nevertheless."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.support.repository import ROLES


def tasks(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield all tasks, also those in blocks."""
    for item in items:
        yield item
        for part in ("block", "rescue", "always"):
            yield from tasks(item.get(part, []))


def test_a_tolerated_unreachable_host_does_not_end_the_run() -> None:
    tolerant = [
        (path.relative_to(ROLES), task)
        for path in sorted(ROLES.glob("*/tasks/*.yml"))
        for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8")))
        if task.get("ignore_unreachable")
    ]
    assert len(tolerant) > 10
    assert [(str(path), task["name"]) for path, task in tolerant if task.get("any_errors_fatal") is not False] == []
