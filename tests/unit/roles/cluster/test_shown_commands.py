# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that a plan shows goes on as the plan was made: with what was given to the first run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "w1": "192.0.2.2"}
GROUPS = {"all": [*HOSTS], "etcd": ["m1"], "master": ["m1"], "node": ["w1"]}


@pytest.mark.parametrize(
    ("role", "shown", "settings", "options"),
    [
        ("cluster", "_cluster_reboot_command", {"_cluster_reboot_before": ""}, ""),
        (
            "cluster",
            "_cluster_reboot_command",
            {
                "_cluster_reboot_before": "2026-01-01T00:00:00Z",
                "hosts": "w1",
                "cluster_batch": "20%",
                "cluster_batch_by": "zone",
            },
            " -e hosts=w1 -e booted_before=2026-01-01T00:00:00Z -e cluster_batch=20% -e cluster_batch_by=zone",
        ),
        (
            "cluster",
            "_cluster_upgrade_command",
            {"to": "1.36.2", "cluster_batch": 2, "cluster_max_failed": "1", "cluster_unreachable_nodes": "2%"},
            " -e to=1.36.2 -e cluster_batch=2 -e cluster_max_failed=1 -e cluster_unreachable_nodes=2%",
        ),
        (
            "drill",
            "_drill_command",
            {"steps": "etcd", "report_file": "/srv/drill.md"},
            " -e steps=etcd -e report_file=/srv/drill.md",
        ),
        ("drill", "_drill_command", {}, ""),
    ],
)
def test_nothing_that_was_given_is_missing(role: str, shown: str, settings: dict[str, Any], options: str) -> None:
    found = Rendered(role, "m1", HOSTS, GROUPS, ansible_inventory_sources=["hosts.yml"], **settings).value(shown)
    assert str(found).partition(" -i hosts.yml")[2] == f"{options} -e confirm=kubernetes"
