# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's labels and taints become."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._node_settings import OWNED, patch_of

SLOW = {"key": "disk", "value": "slow", "effect": "NoSchedule"}
FOREIGN = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}


def node(labels: dict[str, str], taints: list[Any], owned: Any = None) -> dict[str, Any]:
    """Return a node as the API shows it."""
    annotations = {} if owned is None else {OWNED: owned if isinstance(owned, str) else json.dumps(owned)}
    metadata = {"name": "k4", "labels": labels, "annotations": annotations, "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {"taints": taints} if taints else {}}


def test_a_node_of_which_nothing_is_asked_is_left_alone() -> None:
    assert patch_of(node({"a": "b"}, [FOREIGN]), {}, []) is None
    assert patch_of(node({"a": "b"}, [FOREIGN], "no json"), {}, []) is None
    assert patch_of(node({"a": "b"}, [], "[]"), {}, []) is None


def test_what_it_has_already_is_only_recorded() -> None:
    patch = patch_of(node({"disk": "ssd"}, [FOREIGN, SLOW]), {"disk": "ssd"}, [SLOW])
    owned = json.dumps({"labels": ["disk"], "taints": ["disk:NoSchedule"]})
    assert patch == {"metadata": {"annotations": {OWNED: owned}, "resourceVersion": "7"}}


def test_only_what_was_ours_is_taken_away() -> None:
    before = node({"disk": "ssd", "his": "own"}, [FOREIGN, SLOW], {"labels": ["disk"], "taints": ["disk:NoSchedule"]})
    patch = patch_of(before, {}, [])
    assert patch is not None
    assert patch["metadata"]["labels"] == {"disk": None}
    assert patch["spec"]["taints"] == [FOREIGN]


def test_the_same_taint_with_another_value_is_replaced_in_its_place() -> None:
    before = node({}, [SLOW, FOREIGN], {"labels": [], "taints": ["disk:NoSchedule"]})
    patch = patch_of(before, {}, [{**SLOW, "value": "fast"}])
    assert patch is not None and patch["spec"]["taints"] == [{**SLOW, "value": "fast"}, FOREIGN]


def test_an_empty_value_is_none() -> None:
    bare = {"key": "disk", "effect": "NoSchedule"}
    owned = {"labels": [], "taints": ["disk:NoSchedule"]}
    assert patch_of(node({}, [bare], owned), {}, [{**bare, "value": ""}]) is None
