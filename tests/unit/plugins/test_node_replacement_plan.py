# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Nodes replace deletes."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.filter.node_replacement_plan import node_replacement_plan


def test_only_nodes_that_exist_are_deleted() -> None:
    nodes = [{"host": "n1", "name": "k1"}, {"host": "n2", "name": "k2"}, {"host": "n3", "name": "k3"}]
    removals = [
        {"found": True, "pods": ["shop/a", "shop/b"]},
        {"found": False, "pods": []},
        {"found": True, "pods": []},
    ]
    first, second = node_replacement_plan(nodes, removals)
    assert first["text"] == "n1: delete the Node k1 of the machine that is gone, and its pods: shop/a, shop/b"
    assert (second["name"], second["text"][-4:]) == ("k3", "none")
