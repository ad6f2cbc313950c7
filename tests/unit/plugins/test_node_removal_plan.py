# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of remove_node says."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.filter.node_removal_plan import node_removal_plan

STOP = "stop kubelet, kube-proxy, flanneld and containerd"
NOTHING: dict[str, Any] = {"evict": [], "lost": [], "empty_dirs": []}


def pod(name: str, **more: str) -> dict[str, str]:
    """Return a pod of a plan."""
    return {"namespace": "shop", "name": name, **more}


def texts(drains: list[dict[str, Any]], **options: Any) -> list[str]:
    """Return the lines of a plan for w1, w2 and so on."""
    nodes = [{"host": f"w{number}", "name": f"w{number}"} for number, _drain in enumerate(drains, 1)]
    return [step["text"] for step in node_removal_plan(nodes, drains, **options)]


def test_what_is_evicted_and_lost_is_named() -> None:
    plan = {"evict": [pod("a"), pod("b")], "lost": [pod("c")], "empty_dirs": [pod("a", volume="cache")]}
    assert texts([{"plan": plan}, {"plan": NOTHING}]) == [
        "w1: evict pods shop/a, shop/b; lose the bare pod shop/c; lose what is in emptyDir cache of shop/a; "
        f"{STOP}; delete the node",
        f"w2: {STOP}; delete the node",
    ]


def test_a_lost_node_and_one_that_is_gone() -> None:
    """A task that was skipped for a lost host has no plan."""
    first, second = texts([{"skipped": True}, {"plan": None}], lost=["w1"])
    assert first == "w1: lost and never contacted, it must stay off; its pods are deleted; delete the node"
    assert second == f"w2: not in the cluster any more; {STOP}"
