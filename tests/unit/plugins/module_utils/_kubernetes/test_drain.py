# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drain does with pods, what prevents it, and whose cordon is lifted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import CORDONED_BY, Refusal

ALLOWED = {"delete_bare": False, "force_pdb": False, "force_room": False}


def pod(name: str, owner: str = "ReplicaSet", **fields: Any) -> dict[str, Any]:
    """Return a pod; its UID is its name."""
    owners = [{"kind": owner, "name": "x", "controller": True}] if owner else []
    metadata = {"namespace": "a", "name": name, "uid": name, "ownerReferences": owners, **fields.pop("metadata", {})}
    return {
        "metadata": metadata,
        "spec": {"volumes": fields.pop("volumes", [])},
        "status": {"phase": "Running"},
        **fields,
    }


def node(cordoned: bool = False, note: str | None = None) -> dict[str, Any]:
    """Return a node."""
    annotations = {"other": "stays", **({} if note is None else {CORDONED_BY: note})}
    metadata = {"name": "n1", "resourceVersion": "7", "annotations": annotations}
    return {"metadata": metadata, "spec": {"unschedulable": True} if cordoned else {}}


def planned(*pods: dict[str, Any], **reasons: Any) -> dict[str, Any]:
    """Return the plan for a node with these pods."""
    defaults: dict[str, Any] = {"refusals": {}, "used": {}, "unplaceable": []}
    return drain.plan(reasons.pop("node", node()), pods, **{**defaults, **reasons})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod("p"), ("evict", "ReplicaSet x")),
        (pod("p", ""), ("lost", "")),
        # An owner that is no controller does not start it again.
        (pod("p", metadata={"ownerReferences": [{"kind": "Foo", "name": "x"}]}), ("lost", "")),
        (pod("p", "DaemonSet"), ("left", "DaemonSet")),
        (pod("p", "DaemonSet", metadata={"deletionTimestamp": "now"}), ("left", "DaemonSet")),
        (pod("p", "Node", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}), ("left", "static")),
        (pod("p", "Job", status={"phase": "Succeeded"}), ("left", "finished")),
        (pod("p", "", status={"phase": "Failed"}), ("left", "finished")),
        (pod("p", metadata={"deletionTimestamp": "now"}), ("leaving", "ReplicaSet x")),
        (pod("p", "", metadata={"deletionTimestamp": "now"}), ("leaving", "")),
        (pod("p", status={}), ("evict", "ReplicaSet x")),
    ],
)
def test_what_happens_to_a_pod(found: dict[str, Any], expected: tuple[str, str]) -> None:
    assert drain.fate(found) == expected


def test_why_an_eviction_is_refused() -> None:
    def cause(reason: str, message: str) -> dict[str, Any]:
        return {"causes": [{"reason": reason, "message": message}]}

    needs = "The disruption budget web needs 2 healthy pods and has 2 currently"
    assert drain.refusal(pod("p"), 429, "", cause("DisruptionBudget", needs)) == Refusal("a/web", needs)
    processed = drain.refusal(pod("p"), 429, "", cause("DisruptionBudget", "is still being processed."))
    assert processed == Refusal("", "is still being processed")
    several = drain.refusal(pod("p"), 500, "This pod has more than one PodDisruptionBudget, which", {})
    assert several is not None and several.budget == ""
    assert drain.refusal(pod("p"), 503, "more than one PodDisruptionBudget", {}) is None
    for status, details in ((429, {}), (500, {}), (403, cause("DisruptionBudget", needs))):
        assert drain.refusal(pod("p"), status, "other", details) is None
    assert (
        drain.is_gone(404, {}) and drain.is_gone(409, {}) and not drain.is_gone(403, {}) and not drain.is_gone(429, {})
    )
    assert drain.is_gone(403, cause("NamespaceTerminating", ""))


@pytest.mark.parametrize(
    ("before", "by", "after"),
    [
        (node(), "", node(True, "hardway")),
        # Left by a drain after which the operator has uncordoned the node.
        (node(note="operator"), "", node(True, "hardway")),
        (node(True), "operator", node(True, "operator")),
        (node(True, "operator"), "operator", None),
        (node(True, "hardway"), "hardway", None),
    ],
)
def test_a_cordon_notes_whose_it_is(before: Any, by: str, after: Any) -> None:
    patch = drain.cordon_patch(before)
    assert drain.cordoned_by(before) == by and drain.is_resumed(before) == (after is None)
    assert (patch and drain.patched(before, patch)) == after
    assert patch is None or patch["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    ("before", "keep", "after"),
    [
        (node(), True, None),
        (node(note="hardway"), True, node()),
        (node(True), True, None),
        (node(True, "hardway"), True, node()),
        (node(True, "operator"), True, node(True)),
        (node(True, "operator"), False, node()),
        (node(True), False, node()),
        (node(), False, None),
    ],
)
def test_only_our_cordon_is_lifted_unless_all_are(before: Any, keep: bool, after: Any) -> None:
    patch = drain.uncordon_patch(before, keep)
    assert (patch and drain.patched(before, patch)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (node(True, "hardway"), node(note="hardway")),
        (node(note="hardway"), None),
        (node(True, "operator"), None),
        (node(), None),
    ],
)
def test_the_note_is_kept_for_steps_that_follow(before: Any, after: Any) -> None:
    patch = drain.uncordon_patch(before, True, keep_note=True)
    assert (patch and drain.patched(before, patch)) == after


@pytest.mark.parametrize(
    ("found", "by"),
    [
        (node(note="hardway"), "hardway"),
        (node(True, "hardway"), "hardway"),
        (node(True), "operator"),
        (node(note="operator"), ""),
        (node(), ""),
    ],
)
def test_an_uncordoned_node_is_held_until_its_steps_have_ended(found: Any, by: str) -> None:
    assert drain.held_by(found) == by


def test_a_node_is_awaited_since_a_boot() -> None:
    seen = {"status": {"nodeInfo": {"kubeletVersion": "v1.36.2", "bootID": "b1"}, "conditions": []}}
    assert drain.kubelet_state(seen, "", "b2") == "its kubelet has not reported since the boot"
    assert drain.kubelet_state(seen, "", "b1") == "not Ready"
    seen["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert drain.kubelet_state(seen, "", "b1") == drain.kubelet_state(seen, "1.36.2") == ""
    assert "version 1.36.2 instead of 1.36.3" in drain.kubelet_state(seen, "1.36.3", "b1")


def test_the_plan_lists_everything_sorted() -> None:
    volumes = [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {"name": "w", "emptyDir": {}}]
    pods = [
        pod("z", volumes=volumes),
        pod("b", ""),
        pod("a", "StatefulSet"),
        pod("d", "DaemonSet", volumes=volumes),
        pod("l", metadata={"deletionTimestamp": "now"}),
    ]
    refusals = {"a": Refusal("a/web", "needs 2")}
    summary = {
        "pods": [{"podRef": {"uid": "z"}, "volume": [{"name": "v", "usedBytes": 7}, {"name": "w"}]}, {"podRef": {}}]
    }
    found = planned(*pods, refusals=refusals, used=drain.used_bytes(summary), unplaceable=[(pods[0], "too little cpu")])
    place = {"namespace": "a"}
    assert found == {
        "node": "n1",
        "cordoned_by": "",
        "resumed": False,
        "evict": [{**place, "name": "a", "owner": "StatefulSet x"}, {**place, "name": "z", "owner": "ReplicaSet x"}],
        "lost": [{**place, "name": "b"}],
        "leaving": [{**place, "name": "l", "owner": "ReplicaSet x"}],
        "left": [{**place, "name": "d", "reason": "DaemonSet"}],
        "empty_dirs": [
            {**place, "name": "z", "volume": "v", "medium": "Memory", "size_limit": "1Gi", "bytes": 7},
            {**place, "name": "z", "volume": "w", "medium": "", "size_limit": "", "bytes": None},
        ],
        "blocked": [{**place, "name": "a", "budget": "a/web", "reason": "needs 2", "waited_for": False}],
        "unplaceable": [{**place, "name": "z", "reason": "too little cpu"}],
    }
    assert drain.going(found) == ["a/a", "a/z", "a/b"]


def test_a_budget_that_others_use_up_for_a_while_is_no_objection() -> None:
    found = planned(pod("p"), refusals={"p": Refusal("a/web", "needs 2")}, waited_for=["p"])
    assert found["blocked"][0]["waited_for"] and drain.objection(found, ALLOWED) == ""
    for status, allows in (
        ({"desiredHealthy": 1, "expectedPods": 2}, True),
        ({"desiredHealthy": 2, "expectedPods": 2}, False),
        ({"desiredHealthy": 1, "expectedPods": 0}, False),
        ({}, False),
    ):
        assert drain.allows_with_all_pods({"status": status}) is allows
    assert not drain.allows_with_all_pods(None)


def test_every_objection_is_in_one_error_and_each_has_its_option() -> None:
    owned = pod("p")
    reasons: dict[str, Any] = {
        "refusals": {"p": Refusal("a/web", "needs 2")},
        "unplaceable": [(owned, "too little cpu")],
    }
    found = planned(owned, pod("b", ""), **reasons)
    assert drain.objection(found, ALLOWED) == (
        "node n1: pods without a controller would be lost: a/b, and pods that may not be evicted now: a/p (needs 2), "
        "and pods that fit on no other node: a/p (too little cpu); move these pods or set delete_bare, and give their "
        "workloads more replicas or set force_pdb, and add or uncordon nodes or set force_room"
    )
    texts = {"delete_bare": "a/b", "force_pdb": "needs 2", "force_room": "too little"}
    for option, text in texts.items():
        rest = drain.objection(found, {**ALLOWED, option: True})
        assert text not in rest and all(other in rest for other in texts.values() if other != text)
    assert drain.objection(found, dict.fromkeys(ALLOWED, True)) == "" == drain.objection(planned(owned), ALLOWED)


def test_budgets_do_not_prevent_that_a_drain_goes_on() -> None:
    refusals = {"p": Refusal("a/web", "needs 2")}
    for note in ("hardway", "operator"):
        assert not drain.objection(planned(pod("p"), refusals=refusals, node=node(True, note)), ALLOWED)
    assert drain.objection(planned(pod("p"), refusals=refusals, node=node(True)), ALLOWED)
    assert drain.objection(planned(pod("p", ""), node=node(True, "hardway")), ALLOWED)


def test_a_drain_that_is_overdue_says_what_remains_and_the_way_out() -> None:
    refusals = {"p": Refusal("a/web", "needs 2")}
    text = drain.overdue("n1", 300, [pod("p"), pod("q")], refusals, ["VolumeAttachment v"])
    assert text == (
        "node n1: not drained within 300 s, and it stays cordoned; what remains: pod a/p (budget a/web: needs 2), pod "
        "a/q (terminating), VolumeAttachment v; repair or scale up what the budgets protect, or set force_pdb, check "
        "the kubelet of the node and the finalizers of the pods, check the controller of the CSI driver and the API "
        "servers, and run again, or give up with state uncordoned"
    )
    assert "kubelet" not in drain.overdue("n1", 300, [pod("p")], refusals, [])
    assert "force_pdb" not in drain.overdue("n1", 300, [pod("q")], refusals, [])
    assert "set delete_bare" in drain.arrived("n1", [pod("b", "")])


def test_attachments_of_volumes_that_stay_in_use_are_not_awaited() -> None:
    volumes = [
        {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}},
        {"name": "scratch", "ephemeral": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    volumes[1]["ephemeral"] = {"volumeClaimTemplate": {}}
    failed = pod("j", volumes=volumes, status={"phase": "Failed"})
    pods = [pod("d", "DaemonSet", volumes=volumes), pod("p", volumes=volumes), failed]
    assert drain.claims(pods) == {("a", "logs"), ("a", "d-scratch")}

    def attachment(name: str, node_name: str, volume: str | None) -> dict[str, Any]:
        source = {"persistentVolumeName": volume} if volume else {"inlineVolumeSpec": {}}
        return {"metadata": {"name": name}, "spec": {"nodeName": node_name, "source": source}}

    items = [attachment("x", "n1", "v1"), attachment("w", "n1", None), attachment("y", "n1", "v2")]
    assert drain.attached([*items, attachment("z", "n2", "v1")], "n1", ["v2"]) == ["w", "x"]


def test_the_difference_shows_cordon_and_pods() -> None:
    assert drain.state_lines(node(), ["a/q", "a/p"]) == "node n1: schedulable\npod a/p\npod a/q\n"
    cordoned = "node n1: cordoned\nannotation hardway.kubernetes/cordoned-by: operator\n"
    assert drain.state_lines(node(True, "operator"), []) == cordoned
