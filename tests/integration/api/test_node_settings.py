# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_settings against a real API: what is specified is added, what no longer is goes, what others set stays."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ApiError

from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
NODE = "/api/v1/nodes/k4"
RECORDS = "/api/v1/namespaces/kube-system/configmaps/hardway-nodes"
OTHERS = {"key": "example.org/others", "effect": "NoExecute"}


@pytest.fixture
def node(kubernetes: RealKubernetes) -> Iterator[Callable[[], dict[str, Any]]]:
    """Create a node as a kubelet would; return a function that shows it."""
    api = kubernetes.api()
    labels = {"kubernetes.io/hostname": "k4", "disk": "nvme"}
    api.post(
        "/api/v1/nodes", {"metadata": {"name": "k4", "labels": labels}, "spec": {"taints": [OTHERS, taint("disk")]}}
    )
    yield lambda: api.get(NODE)
    api.delete(NODE)
    api.delete(RECORDS)


def taint(key: str, effect: str = "NoSchedule", **value: str) -> dict[str, str]:
    """Return a taint."""
    return {"key": key, "effect": effect, **value}


def taints(node: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return the taints of a node, except those that controllers add by themselves."""
    found = [(t["key"], t.get("value", ""), t["effect"]) for t in node["spec"].get("taints", [])]
    return {entry for entry in found if not entry[0].startswith("node.kubernetes.io/")}


def test_labels_and_taints_are_added_and_removed_as_in_the_inventory(
    kubernetes: RealKubernetes, node: Callable[[], dict[str, Any]], run_module: Run
) -> None:
    def run(check: bool, labels: dict[str, str], *wanted: dict[str, str]) -> list[str]:
        entry = {"name": "k4", "labels": labels, "taints": list(wanted)}
        result = run_module("node_settings", check=check, **kubernetes.arguments(), nodes=[entry, {"name": "absent"}])
        assert not result.get("failed"), result
        return list(result["nodes"])

    first = ({"disk": "nvme", "node-role.kubernetes.io/control-plane": ""}, taint("disk"))
    assert run(True, *first) == ["k4"] and not kubernetes.api().find(RECORDS)
    assert run(False, *first) == ["k4"]
    assert run(True, *first) == [] and run(False, *first) == []
    assert "node-role.kubernetes.io/control-plane" in node()["metadata"]["labels"]
    assert taints(node()) == {(OTHERS["key"], "", "NoExecute"), ("disk", "", "NoSchedule")}

    second = ({"rack": "7"}, taint("disk", value="slow"), taint("gpu", "PreferNoSchedule"))
    assert run(True, *second) == ["k4"] and "rack" not in node()["metadata"]["labels"]
    assert run(False, *second) == ["k4"] and run(False, *second) == []
    labels = node()["metadata"]["labels"]
    assert labels["rack"] == "7" and labels["kubernetes.io/hostname"] == "k4"
    assert "disk" not in labels and "node-role.kubernetes.io/control-plane" not in labels
    expected = {("disk", "slow", "NoSchedule"), ("gpu", "", "PreferNoSchedule"), (OTHERS["key"], "", "NoExecute")}
    assert taints(node()) == expected

    # What an administrator removed comes back, what he added stays.
    kubernetes.api().patch(NODE, {"metadata": {"labels": {"rack": None, "his": "own"}}, "spec": {"taints": None}})
    assert run(False, *second) == ["k4"]
    assert node()["metadata"]["labels"]["rack"] == "7" and node()["metadata"]["labels"]["his"] == "own"
    assert run(False, {}) == ["k4"] and run(False, {}) == []
    assert taints(node()) == set() and node()["metadata"]["labels"]["his"] == "own"


def test_a_node_cannot_have_labels_and_taints_removed(
    kubernetes: RealKubernetes, node: Callable[[], dict[str, Any]], run_module: Run
) -> None:
    """It claims that a restricted label and the taint of its quarantine are ours, in all places that it can write."""
    api, restricted = kubernetes.api(), "node-restriction.kubernetes.io/zone"
    api.patch(NODE, {"metadata": {"labels": {restricted: "secure"}}})
    kubelet = kubernetes.api(kubernetes.ca.issue("kubelet-k4", "system:node:k4", groups=["system:nodes"]))
    lie = json.dumps({"labels": [restricted], "taints": ["example.org/others:NoExecute"]})
    # NodeRestriction lets it do that, and no more.
    kubelet.patch(NODE, {"metadata": {"annotations": {"hardway.kubernetes/owned": lie}}})
    for attempt in (
        lambda: kubelet.patch(NODE, {"metadata": {"labels": {restricted: None}}}),
        lambda: kubelet.patch(NODE, {"spec": {"taints": None}}),
        lambda: kubelet.get(RECORDS),
        lambda: kubelet.post(RECORDS.rpartition("/")[0], {"metadata": {"name": "hardway-nodes"}, "data": {"k4": lie}}),
        lambda: kubelet.patch(RECORDS, {"data": {"k4": lie}}),
    ):
        with pytest.raises(ApiError) as refused:
            attempt()
        assert refused.value.status in (403, 422)
    for wanted in ({"rack": "7"}, {}):
        entry = {"name": "k4", "labels": wanted, "taints": []}
        result = run_module("node_settings", **kubernetes.arguments(), nodes=[entry])
        assert not result.get("failed"), result
        found = node()
        assert found["metadata"]["labels"][restricted] == "secure" and ("rack" in found["metadata"]["labels"]) == bool(
            wanted
        )
        assert (OTHERS["key"], "", "NoExecute") in taints(found)


def test_an_interrupted_run_forgets_nothing(
    kubernetes: RealKubernetes, node: Callable[[], dict[str, Any]], run_module: Run
) -> None:
    """The record is written before the label, and removed after it."""
    api = kubernetes.api()
    ours = {"labels": ["rack", "disk"], "taints": []}
    api.post(RECORDS.rpartition("/")[0], {"metadata": {"name": "hardway-nodes"}, "data": {"k4": json.dumps(ours)}})
    result = run_module("node_settings", **kubernetes.arguments(), nodes=[{"name": "k4", "labels": {"rack": "7"}}])
    assert result["changed"] and "disk" not in node()["metadata"]["labels"]
    assert json.loads(api.get(RECORDS)["data"]["k4"])["labels"] == ["rack"]
    api.patch(RECORDS, {"data": {"gone": json.dumps(ours)}})
    run_module("node_settings", **kubernetes.arguments(), nodes=[{"name": "k4"}])
    assert not api.get(RECORDS).get("data")


def test_an_expected_node_is_awaited(
    kubernetes: RealKubernetes, node: Callable[[], dict[str, Any]], run_module: Run
) -> None:
    arguments = {**kubernetes.arguments(), "nodes": [{"name": "k4"}, {"name": "k5", "labels": {"rack": "7"}}]}
    assert run_module("node_settings", **arguments, expected=["k4"])["missing"] == []
    begin = time.monotonic()
    assert run_module("node_settings", **arguments, expected=["k4", "k5"], timeout=1)["missing"] == ["k5"]
    assert time.monotonic() - begin >= 1
    late = threading.Timer(1, lambda: kubernetes.api().post("/api/v1/nodes", {"metadata": {"name": "k5"}}))
    late.start()
    try:
        result = run_module("node_settings", **arguments, expected=["k4", "k5"], timeout=20)
        assert result["missing"] == [] and result["nodes"] == ["k5"], result
    finally:
        late.join()
        kubernetes.api().delete("/api/v1/nodes/k5")


def test_a_joined_node_is_open_to_pods_once_it_is_ready(
    kubernetes: RealKubernetes, node: Callable[[], dict[str, Any]], run_module: Run
) -> None:
    api = kubernetes.api()
    api.patch(NODE, {"spec": {"taints": [OTHERS, taint("hardway/joining"), taint("disk")]}})
    joining = ("hardway/joining", "", "NoSchedule")
    arguments = {**kubernetes.arguments(), "nodes": [{"name": "k4", "taints": [taint("disk")]}]}
    result = run_module("node_settings", **arguments, expected=["k4"])
    assert result["joining"] == ["k4"] and joining in taints(node())
    result = run_module("node_settings", **arguments, joined=["k4"], timeout=1)
    assert not result["changed"] and result["joining"] == ["k4"] and joining in taints(node())
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    late = threading.Timer(1, lambda: api.patch(f"{NODE}/status", {"status": {"conditions": [ready]}}))
    late.start()
    try:
        checked = run_module("node_settings", check=True, **arguments, joined=["k4"])
        assert checked["joining"] == ["k4"]
        result = run_module("node_settings", **arguments, joined=["k4"], timeout=20)
    finally:
        late.join()
    assert result["nodes"] == ["k4"] and result["joining"] == [], result
    assert taints(node()) == {(OTHERS["key"], "", "NoExecute"), ("disk", "", "NoSchedule")}
    assert json.loads(api.get(RECORDS)["data"]["k4"])["taints"] == ["disk:NoSchedule"]
    assert not run_module("node_settings", **arguments, joined=["k4", "absent"])["changed"]


def test_check_mode_without_an_api(run_module: Run) -> None:
    nowhere = {"servers": ["https://127.0.0.1:1"], "ca": "/absent", "cert": "/absent", "key": "/absent"}
    entries = [{"name": "k4", "labels": {"rack": "7"}}, {"name": "k5"}]
    assert run_module("node_settings", check=True, **nowhere, nodes=entries)["nodes"] == ["k4"]
    assert run_module("node_settings", **nowhere, nodes=entries)["failed"]
