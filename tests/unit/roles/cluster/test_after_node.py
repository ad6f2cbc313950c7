# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed before the hook after_node leaves a mark at the node, by which the next one runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.repository import ROLES
from tests.support.roles.rendered import Rendered

HOSTS = {"w1": "192.0.2.1"}
GROUPS = {"all": [*HOSTS], "etcd": [], "master": [], "node": ["w1"]}
DRAIN = "hardway.kubernetes.node_drain"


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a file, those in blocks, too."""
    for entry in entries:
        yield from tasks(entry["block"]) if "block" in entry else [entry]


@pytest.mark.parametrize("path", ["cluster/tasks/reboot.yml", "node/tasks/upgrade_drained.yml"])
def test_the_mark_goes_after_the_hook(path: str) -> None:
    found = list(tasks(yaml.safe_load((ROLES / path).read_text())))
    (hook,) = (n for n, task in enumerate(found) if (task.get("vars") or {}).get("_cluster_hook") == "after_node")
    uncordons = [n for n, task in enumerate(found) if task.get(DRAIN, {}).get("state") == "uncordoned"]
    assert [n > hook for n in uncordons] == [False, True]
    assert [found[n][DRAIN].get("keep_annotation") for n in uncordons] == ["{{ _cluster_has_after_node }}", None]


@pytest.mark.parametrize(
    ("hooks", "expected"),
    [({}, False), ({"after_node": []}, False), ({"after_node": None}, False), ({"after_node": ["/x.yml"]}, True)],
)
def test_the_mark_stays_only_for_a_hook(hooks: dict[str, Any], expected: bool) -> None:
    assert Rendered("cluster", "w1", HOSTS, GROUPS, cluster_hooks=hooks).value("_cluster_has_after_node") is expected
