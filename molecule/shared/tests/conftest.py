# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave out the files whose group has no hosts in this scenario: that is no skip worth a mention."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

GROUPS = {"test_etcd.py": "etcd", "test_control_plane.py": "master", "test_nodes.py": "node", "test_lb.py": "lb"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore a file that is about a group without hosts."""
    group = GROUPS.get(collection_path.name)
    inventory = Path(config.getoption("ansible_inventory")) / "hosts.yml"
    if not group or not inventory.is_file():
        return None
    children = yaml.safe_load(inventory.read_text(encoding="utf-8"))["all"]["children"]
    return True if not children.get(group, {}).get("hosts") else None
