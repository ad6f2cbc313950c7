# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_removal against a real API: what still runs is refused, a lost node's pods and volumes go first."""

from __future__ import annotations

import datetime
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
NODE = "/api/v1/nodes/k4"
PODS = "/api/v1/namespaces/default/pods"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
ATTACHMENT = "/apis/storage.k8s.io/v1/volumeattachments/disk1"
DAEMONS = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "logs", "uid": "1-2-3", "controller": True}


class Node:
    """A node, as its kubelet and the controllers left it."""

    def __init__(self, kubernetes: RealKubernetes, run_module: Run) -> None:
        """Create the node."""
        self.kubernetes, self.run_module, self.api = kubernetes, run_module, kubernetes.api()
        self.api.post("/api/v1/nodes", {"metadata": {"name": "k4"}})
        for namespace in ("default", "kube-node-lease"):
            if not self.api.find(f"/api/v1/namespaces/{namespace}"):
                self.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})

    def run(self, **options: Any) -> dict[str, Any]:
        """Run the module."""
        return self.run_module("node_removal", **self.kubernetes.arguments(), node="k4", **options)

    def pod(self, name: str, **metadata: Any) -> None:
        """Create a pod on the node."""
        spec = {"nodeName": "k4", "containers": [{"name": "c", "image": "i"}], "terminationGracePeriodSeconds": 0}
        self.api.post(PODS, {"metadata": {"name": name, **metadata}, "spec": {**spec, "serviceAccountName": "default"}})

    def report(self, seconds: float) -> None:
        """Renew the lease of the kubelet, so many seconds ago."""
        moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
        spec = {"holderIdentity": "k4", "leaseDurationSeconds": 40, "renewTime": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"}
        found = self.api.find(f"{LEASES}/k4")
        if found:
            self.api.put(f"{LEASES}/k4", {**found, "spec": spec})
        else:
            self.api.post(LEASES, {"metadata": {"name": "k4"}, "spec": spec})

    def taints(self) -> list[str]:
        """Return the keys of the node's taints by which pods are deleted."""
        taints = self.api.get(NODE)["spec"].get("taints") or []
        return [taint["key"] for taint in taints if taint["effect"] == "NoExecute"]

    def exists(self) -> bool:
        """Return whether the node exists."""
        return self.api.find(NODE) is not None


@pytest.fixture
def node(kubernetes: RealKubernetes, run_module: Run) -> Iterator[Node]:
    """Return a node that is removed at the end with all it has."""
    found = Node(kubernetes, run_module)
    if not found.api.find("/api/v1/namespaces/default/serviceaccounts/default"):
        found.api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield found
    now = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
    for pod in found.api.get(PODS).get("items") or []:
        found.api.delete(f"{PODS}/{pod['metadata']['name']}", now)
    for path in (f"{LEASES}/k4", ATTACHMENT, NODE):
        found.api.delete(path)


def test_a_drained_node_whose_kubelet_has_stopped_is_removed(node: Node) -> None:
    node.pod("logs-1", ownerReferences=[DAEMONS])
    node.report(3600)
    assert node.run(check=True)["changed"] and node.exists()
    result = node.run()
    # A controller manager of other tests may have deleted the pod, whose DaemonSet does not exist.
    assert result["changed"] and set(result["pods"]) <= {"default/logs-1"} and not node.exists()
    assert node.run()["changed"] is False


def test_pods_and_a_running_kubelet_are_refused(node: Node) -> None:
    node.pod("web")
    node.report(3600)
    assert node.run()["msg"] == "node k4: still runs default/web; drain it first"
    node.api.delete(f"{PODS}/web")
    node.report(0)
    refused = node.run(timeout=2)
    assert refused["msg"].startswith("node k4: its kubelet reported ") and "stop it" in refused["msg"]
    assert node.exists()


def test_a_lost_node_that_still_reports_is_refused(node: Node) -> None:
    node.pod("web")
    node.report(0)
    assert "so it may still run" in node.run(lost=True)["msg"]
    assert node.taints() == []


def test_a_lost_node_is_removed_after_its_pods_and_volumes(node: Node) -> None:
    """The controllers, which do not run here, delete them because of the taint."""
    node.pod("web")
    node.report(3600)
    source = {"persistentVolumeName": "disk1"}
    node.api.post(
        ATTACHMENT.rpartition("/")[0],
        {"metadata": {"name": "disk1"}, "spec": {"attacher": "x.example.org", "nodeName": "k4", "source": source}},
    )
    blocked = node.run(lost=True, timeout=1)
    # A controller manager of other tests deletes the pod, and needs no time for it.
    assert re.match("node k4: still has (pod default/web, )?VolumeAttachment disk1 after 1 s", blocked["msg"]), blocked
    assert node.exists()

    def controllers() -> None:
        time.sleep(2)
        node.api.delete(f"{PODS}/web", {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
        node.api.delete(ATTACHMENT)

    thread = threading.Thread(target=controllers)
    thread.start()
    assert node.taints() == ["node.kubernetes.io/out-of-service"]
    result = node.run(lost=True, timeout=30)
    thread.join()
    assert result["changed"] and not node.exists()
