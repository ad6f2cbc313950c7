# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a node's labels and taints change."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.node_labels import (
    NONE,
    both,
    owned_by,
    patch_of,
    record,
    records_of,
    unannotated,
)

SLOW = {"key": "disk", "value": "slow", "effect": "NoSchedule"}
FOREIGN = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
OURS = {"labels": ["disk"], "taints": ["disk:NoSchedule"]}


def node(labels: dict[str, str], taints: list[Any], annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a node as the API shows it."""
    metadata = {"name": "k4", "labels": labels, "annotations": annotations or {}, "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {"taints": taints} if taints else {}}


def test_a_node_without_specified_labels_is_left_alone() -> None:
    assert patch_of(node({"a": "b"}, [FOREIGN]), {}, [], NONE) is None


def test_a_record_that_the_node_could_write_does_not_count() -> None:
    """It may write that annotation itself."""
    lie = '{"labels": ["node-role.kubernetes.io/control-plane"], "taints": ["disk:NoSchedule"]}'
    before = node({"node-role.kubernetes.io/control-plane": ""}, [SLOW], {"hardway.kubernetes/owned": lie})
    assert patch_of(before, {}, [], NONE) is None


def test_only_labels_and_taints_of_ours_are_removed() -> None:
    patch = patch_of(node({"disk": "ssd", "his": "own"}, [FOREIGN, SLOW]), {}, [], OURS)
    assert patch is not None
    assert patch["metadata"]["labels"] == {"disk": None}
    assert patch["spec"]["taints"] == [FOREIGN]


def test_the_same_taint_with_another_value_is_replaced_in_its_place() -> None:
    patch = patch_of(node({}, [SLOW, FOREIGN]), {}, [{**SLOW, "value": "fast"}], {**OURS, "labels": []})
    assert patch is not None and patch["spec"]["taints"] == [{**SLOW, "value": "fast"}, FOREIGN]


def test_an_empty_value_counts_as_none() -> None:
    bare = {"key": "disk", "effect": "NoSchedule"}
    assert patch_of(node({}, [bare]), {}, [{**bare, "value": ""}], {**OURS, "labels": []}) is None


def test_the_record_is_read_as_written() -> None:
    owned = owned_by({"disk": "ssd"}, [SLOW])
    assert owned == OURS and records_of({"data": {"k4": record(owned) or ""}}) == {"k4": OURS}
    assert record(NONE) is None and records_of(None) == {} and records_of({"data": None}) == {}
    assert both(OURS, {"labels": ["a"], "taints": []}) == {"labels": ["a", "disk"], "taints": ["disk:NoSchedule"]}


def test_an_unreadable_record_counts_as_none() -> None:
    for text in ("no json", "[]", "{}", "null", '{"labels": 1, "taints": []}', '"x"'):
        assert records_of({"data": {"k4": text}}) == {"k4": NONE}, text


def test_a_node_that_came_back_without_its_network_is_named() -> None:
    annotation = "flannel.alpha.coreos.com/public-ip"
    known = {
        "a": {"metadata": {"annotations": {annotation: "192.0.2.11"}}},
        "b": {"metadata": {"annotations": {"other": "1"}}},
        "c": {"metadata": {}},
    }
    assert unannotated(known, ["a", "b", "c", "absent"], annotation) == ["b", "c"]
    assert unannotated(known, ["a", "b"], None) == []
