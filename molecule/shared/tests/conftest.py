# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deselect the tests whose group has no hosts in this scenario, instead of reporting them as skipped."""

from __future__ import annotations

import pytest


def has_hosts(item: pytest.Item) -> bool:
    """Return whether testinfra found a host for a test."""
    mark = item.get_closest_marker("skip")
    return mark is None or not str(mark.kwargs.get("reason", "")).startswith("got empty parameter set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests without hosts."""
    config.hook.pytest_deselected(items=[item for item in items if not has_hosts(item)])
    items[:] = [item for item in items if has_hosts(item)]
