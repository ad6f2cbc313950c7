# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of nodes from the inventory, in any spelling that Ansible users give."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.desired_nodes import (
    CONTROL_PLANE,
    desired_nodes,
)

MASTER_TAINT = {"key": CONTROL_PLANE, "effect": "NoSchedule"}


def one(taint_masters: bool, masters: tuple[str, ...] = (), **variables: Any) -> dict[str, Any]:
    """Return the settings of one node, named n1 on host h1."""
    (found,) = desired_nodes([{"host": "h1", "name": "n1"}], {"h1": variables}, masters, taint_masters)
    return found


def test_a_worker_has_what_the_inventory_sets_as_text() -> None:
    found = one(True, node_labels={"zone": 1}, node_taints=[{"key": "gpu", "value": True, "effect": "NoSchedule"}])
    assert found == {
        "name": "n1",
        "labels": {"zone": "1"},
        "taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}],
    }


def test_a_master_has_the_label_and_by_choice_the_taint_of_the_control_plane() -> None:
    assert one(True, ("n1",)) == {"name": "n1", "labels": {CONTROL_PLANE: ""}, "taints": [MASTER_TAINT]}
    assert one(False, ("n1",))["taints"] == []
    assert one(True, ("n1",), node_master_taint="no")["taints"] == []
    assert one(False, ("n1",), node_master_taint="yes")["taints"] == [MASTER_TAINT]
