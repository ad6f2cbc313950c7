# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of etcd, manifests, clusters and workloads, from plain data."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems, host_health_problems
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import members as etcd
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import manifest, workload_check

METRICS = """
etcd_server_id{server_id="ab12"} 1
etcd_server_is_leader 1
etcd_server_has_leader 1
etcd_server_is_learner 0
etcd_server_version{server_version="3.6.8"} 1
etcd_debugging_mvcc_current_revision 42
etcd_mvcc_db_total_size_in_bytes 2.048e+04
etcd_mvcc_db_total_size_in_use_in_bytes 16384
etcd_server_proposals_committed_total 99
etcd_server_proposals_applied_total 99
"""


def answer(number: int, **changes: Any) -> dict[str, Any]:
    """Return what one member answers."""
    status = {
        "header": {"member_id": str(number), "revision": "10"},
        "leader": "1",
        "version": "3.6.8",
        "dbSize": "4096",
    }
    return {
        "endpoint": f"https://h{number}:2379",
        "healthy": True,
        "error": "",
        "status": etcd.status_of_gateway({**status, **changes}),
    }


def listed(*numbers: int, alarms: Any = ()) -> dict[str, Any]:
    members = [{"ID": str(n), "name": f"m{n}", "clientURLs": [f"https://h{n}:2379"]} for n in numbers]
    return {"members": members, "alarms": list(alarms), "errors": []}


def test_healthy_etcd() -> None:
    state = etcd.assemble([answer(1), answer(2), answer(3)], listed(1, 2, 3))
    assert etcd.problems(state, ["m1", "m2", "m3"], behind=10) == []
    assert state["leader"] == "m1" and etcd.highest_revision(state) == 10


def test_unhealthy_etcd() -> None:
    dead = {"endpoint": "https://h3:2379", "healthy": False, "error": "refused", "status": {}}
    disagreeing = answer(2, leader="2", isLearner=True)
    alarm = {"memberID": "1", "alarm": "NOSPACE"}
    state = etcd.assemble([answer(1), disagreeing, dead], listed(1, 2, 3, 4, alarms=[alarm]))
    text = "\n".join(etcd.problems(state, ["m1", "m2", "m3"], behind=11))
    for part in (
        "m3 (https://h3:2379): unhealthy: refused",
        "2 leaders",
        "NOSPACE on m1",
        "m4 is not expected",
        "learner",
    ):
        assert part in text
    assert text.count("is behind 11") == 2


def test_etcd_known_by_metrics_only() -> None:
    status = etcd.status_of_metrics(METRICS)
    assert status["leader"] == status["id"] == "ab12" and status["revision"] == 42 and status["db_size"] == 20480
    one = {"endpoint": "https://h1:2379", "healthy": True, "error": "", "status": status}
    state = etcd.assemble([one], {"members": [], "alarms": [], "errors": ["closed"]})
    assert etcd.problems(state, ["m1"]) == [] and state["leader"] == "ab12"


def configmap(name: str = "a", manager: str = "hardway", **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", "resourceVersion": "5", "labels": {"part": "x"}}
    managed = [{"manager": manager, "operation": "Apply"}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "managedFields": managed}, "data": data}


def test_manifest_differences_ignore_bookkeeping() -> None:
    live, target = configmap(x="1"), configmap(x="1")
    target["metadata"].update(resourceVersion="6", generation=2)
    target["status"] = {"phase": "new"}
    assert manifest.changes([live], [target]) == []
    assert manifest.changes([live], [configmap(x="2")]) and manifest.changes([], [target])
    live["metadata"]["annotations"] = {manifest.REVISION: "1"}
    assert manifest.changes([live], [target]) == []
    live["metadata"]["annotations"]["mine"] = "1"
    assert manifest.changes([live], [target])


def test_manifest_prunes_only_ours() -> None:
    owned = configmap("owned")
    owned["metadata"]["ownerReferences"] = [{}]
    found = manifest.surplus([configmap(), configmap("b"), configmap("c", "kubectl"), owned], [configmap()], "hardway")
    assert [item["metadata"]["name"] for item in found] == ["b"]
    assert manifest.unlabelled([configmap()], "part=y") == ["ConfigMap ns/a"]


def test_secrets_are_hidden_in_diffs() -> None:
    def secret(value: str) -> dict[str, Any]:
        data = {"k": base64.b64encode(value.encode()).decode(), "same": "eA=="}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}

    text = json.dumps(manifest.diff_of([(secret("old"), secret("new"))], []))
    assert "(hidden, differs)" in text and '\\"same\\": \\"(hidden)\\"' in text
    assert "bmV3" not in text and "b2xk" not in text
    raw = manifest.raw_diff("kind: ConfigMap\n---\nkind: Secret\nstringData: {a: geheim}\n")
    assert "ConfigMap" in raw["after"] and "geheim" not in raw["after"]


@pytest.mark.parametrize(
    "kind, spec, status, reason",
    [
        ("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, ""),
        ("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "availableReplicas": 2, "replicas": 3}, "old replicas"),
        ("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "availableReplicas": 1, "replicas": 2}, "1 of 2"),
        ("Deployment", {"replicas": 0}, {}, ""),
        ("StatefulSet", {}, {"updatedReplicas": 0}, "0 of 1 are updated"),
        ("DaemonSet", {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}, ""),
        ("DaemonSet", {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3}, "0 of 3 are available"),
        ("DaemonSet", {"updateStrategy": {"type": "RollingUpdate"}}, {"desiredNumberScheduled": 1}, "0 of 1 are"),
    ],
)
def test_rollouts(kind: str, spec: dict[str, Any], status: dict[str, Any], reason: str) -> None:
    item = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "x", "generation": 2}, "spec": spec}
    found = manifest.unready([{**item, "status": {"observedGeneration": 2, **status}}])
    assert bool(found) == bool(reason) and all(reason in text for text in found)
    assert "has not seen" in manifest.unready([{**item, "status": {"observedGeneration": 1, **status}}])[0]


@pytest.mark.parametrize("spec", [{"paused": True}, {"updateStrategy": {"type": "OnDelete"}}])
def test_a_rollout_that_waits_for_a_user_is_not_awaited(spec: dict[str, Any]) -> None:
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "generation": 2}, "spec": spec}
    assert manifest.unready([{**item, "status": {"observedGeneration": 1}}]) == []


def test_cluster_problems() -> None:
    masters = [
        {"url": "https://a", "ready": True, "anonymous": 401, "detail": "", "error": ""},
        {"url": "https://b", "ready": False, "anonymous": 200, "detail": "etcd", "error": ""},
        {"url": "https://c", "ready": False, "anonymous": 0, "detail": "", "error": "refused"},
    ]
    assert len(cluster_problems.master_problems(masters)) == 3
    condition = {"type": "Ready", "status": "False", "message": "cni is not initialized"}
    nodes = cluster_problems.node_states(
        [
            {"metadata": {"name": "n1"}, "status": {"conditions": [condition]}},
            {"metadata": {"name": "n3"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        ]
    )
    found = cluster_problems.node_problems(nodes, ["n1", "n2"])
    assert [text.split(":")[0] for text in found] == ["node n2", "node n1", "node n3"]
    assert "cni is not initialized" in found[1]
    left = cluster_problems.node_problems(nodes, ["n1", "n2"], ["n1", "n2"])
    assert [text.split(":")[0] for text in left] == ["node n3"]


MISSING = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


@pytest.mark.parametrize(
    ("message", "awaits"),
    [(MISSING, True), (f"[{MISSING}, CSINode is not yet initialized]", False), ("PLEG is not healthy", False)],
)
def test_a_node_without_anything_but_a_network_awaits_one(message: str, awaits: bool) -> None:
    condition = {"type": "Ready", "status": "False", "message": message}
    (node,) = cluster_problems.node_states([{"metadata": {"name": "n1"}, "status": {"conditions": [condition]}}])
    assert node["awaits_network"] is awaits
    assert len(cluster_problems.node_problems([node], ["n1"])) == 1
    assert cluster_problems.node_problems([node], ["n1"], awaiting=["n1"]) == []
    busy = {**node, "pressure": ["DiskPressure: full"]}
    assert cluster_problems.node_problems([busy], ["n1"], awaiting=["n1"]) == ["node n1: DiskPressure: full"]


def test_a_lease_of_flannel_is_in_the_annotations_of_its_node() -> None:
    notes = {"flannel.alpha.coreos.com/public-ip": "192.0.2.11", "flannel.alpha.coreos.com/backend-type": "vxlan"}
    metadata = {"name": "n1", "annotations": {**notes, "other": "x"}}
    with_lease, without = cluster_problems.node_states([{"metadata": metadata}, {"metadata": {"name": "n2"}}])
    assert with_lease["flannel"] == {"public_ip": "192.0.2.11", "backend": "vxlan"}
    assert without["flannel"] == {}


def test_served_certificates_are_compared() -> None:
    item = {"name": "kubelet on n1", "host": "h", "port": 1, "path": "/p", "error": "", "served": "aa", "on_disk": "aa"}
    assert host_health_problems.served_problems([item]) == []
    found = host_health_problems.served_problems([{**item, "served": "bb"}])[0]
    assert "kubelet on n1 at h:1" in found and "restart" in found


def pod(node: str, ip: str) -> dict[str, Any]:
    return {"node": node, "ip": ip, "name": f"probe-{node}", "host_ip": ip, "ready": True, "reason": ""}


def test_every_pod_is_queried_by_another() -> None:
    pods = [pod(f"n{number}", f"10.0.0.{number}") for number in range(6)]
    asked = [workload_check.targets(pods, i, address="10.96.0.9", dns={"kubernetes": "10.96.0.1"}) for i in range(6)]
    assert all(f"pod on n{i}" not in asked[i] for i in range(6))
    assert {name for one in asked for name in one if name.startswith("pod on")} == {f"pod on n{i}" for i in range(6)}
    assert max(len(one) for one in asked) == workload_check.NEIGHBOURS + 2
    alone = workload_check.targets(pods[:1], 0, address="10.96.0.9", dns={})
    assert list(alone) == ["service address"]


def test_answers_of_pods_are_validated() -> None:
    asked = {"pod on n1": ("http://10.0.0.1:8080/", "n1"), "service address": ("u", ""), "dns k": ("k", "10.96.0.1")}
    good = "pod on n1\tn1\nservice address\tn2\ndns k\tName: k Address: 10.96.0.1\n"
    assert workload_check.wrong(good, asked) == []
    bad = "pod on n1\tn7\nservice address\t\ndns k\tserver can't find k\n"
    assert workload_check.wrong(bad, asked) == list(asked)
    assert workload_check.wrong("", asked) == list(asked)


def test_the_reason_why_pods_do_not_serve_is_reported() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    status = {"phase": "Pending", "containerStatuses": [waiting]}
    pods = workload_check.pods_of([{"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}, "status": status}])
    found = workload_check.unready(pods, ["n1", "n2"])
    assert "n2: none was scheduled" in found[0] and "ImagePullBackOff no such image" in found[1]
