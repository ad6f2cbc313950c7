# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's flannel certificate permits, tried against a real API: its own node's network, and nothing else."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary
from tests.support.roles.node import host, render

Run = Callable[..., dict[str, Any]]
NODES = "/api/v1/nodes"
STRATEGIC = "application/strategic-merge-patch+json"
MARK = "flannel.alpha.coreos.com"
READY = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
STATUS = {
    "addresses": [{"type": "InternalIP", "address": "192.0.2.21"}],
    "conditions": [READY, {"type": "DiskPressure", "status": "False"}],
    "capacity": {"cpu": "2", "pods": "110"},
    "nodeInfo": {"kubeletVersion": "v1.36.2"},
}
UP = {"type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp", "message": "Flannel is running"}


@pytest.fixture(scope="module")
def flannel(kubernetes: RealKubernetes) -> Iterator[Api]:
    """Create two nodes and the objects of role addons; return the API as n1's flannel, once the policy is in force."""
    if rehearsal.replaced(kubernetes_version()):
        pytest.skip("a rehearsal evaluates no admission policies")
    api = kubernetes.api()
    for name in ("n1", "n2"):
        metadata = {"name": name, "labels": {"disk": "ssd"}, "annotations": {"example.org/own": "kept"}}
        api.post(NODES, {"metadata": metadata, "spec": {"podCIDR": "10.244.1.0/24"} if name == "n1" else {}})
        api.patch(f"{NODES}/{name}/status", {"status": STATUS})
    manifest = render(host("m1"), "addons", "rbac.yaml.j2")
    kubectl = [str(binary("kubectl")), f"--kubeconfig={kubernetes.kubeconfig}"]
    subprocess.run([*kubectl, "apply", "--server-side", "--filename=-"], input=manifest, text=True, check=True)
    made = kubernetes.api(kubernetes.ca.issue("flannel-n1", "flannel:n1", groups=["hardway:flannel"]))
    deadline = time.monotonic() + 30
    while allowed(made, "n2/status", {"metadata": {"annotations": {f"{MARK}/probe": str(time.time())}}}):
        assert time.monotonic() < deadline, "the policy is not in force"
        time.sleep(0.2)
    yield made
    for name in ("n1", "n2"):
        api.delete(f"{NODES}/{name}")


def allowed(api: Api, place: str, patch: dict[str, Any], kind: str = STRATEGIC) -> bool:
    """Return whether a patch is accepted; only a refusal by RBAC or by the policy counts as one."""
    try:
        api.patch(f"{NODES}/{place}", patch, kind)
    except ApiError as exc:
        assert exc.status in (403, 422), exc
        return False
    return True


def marks(**more: str) -> dict[str, Any]:
    """Return the annotations that flannel writes."""
    data = {f"{MARK}/backend-type": "vxlan", f"{MARK}/public-ip": "192.0.2.21", f"{MARK}/kube-subnet-manager": "true"}
    return {"metadata": {"annotations": {**data, **more}}}


def test_flannel_may_update_its_own_node(flannel: Api) -> None:
    """As the subnet manager does: annotations by a patch of the status, then the condition, then both once more."""
    for _time in range(2):
        assert allowed(flannel, "n1/status", marks(**{f"{MARK}/backend-data": '{"VNI":1}'}))
        assert allowed(flannel, "n1/status", {"status": {"conditions": [UP]}})
    assert allowed(flannel, "n1/status", {"metadata": {"annotations": {f"{MARK}/backend-data": None}}})
    node = flannel.get(f"{NODES}/n1")
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["NetworkUnavailable"] == "False"
    assert node["metadata"]["annotations"]["example.org/own"] == "kept"


OTHERS: dict[str, dict[str, Any]] = {
    "its annotations": marks(),
    "its condition": {"status": {"conditions": [UP]}},
    "its addresses": {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.66"}]}},
    "nothing": {},
}
OWN: dict[str, dict[str, Any]] = {
    "another annotation": marks(**{"example.org/own": "lost"}),
    "an annotation of ours": marks(**{"hardway.kubernetes/owned": "{}"}),
    "an annotation less": {"metadata": {"annotations": {"example.org/own": None}}},
    "a longer prefix": marks(**{f"x{MARK}/public-ip": "1"}),
    "a label": {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}},
    "a label less": {"metadata": {"labels": {"disk": None}}},
    "a finalizer": {"metadata": {"finalizers": ["example.org/never"]}},
    "an owner": {
        "metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n2", "uid": "0-0-0-0"}]}
    },
    "an address": {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.66"}]}},
    "a further address": {"status": {"addresses": [{"type": "ExternalIP", "address": "192.0.2.66"}]}},
    "its readiness": {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
    "a new condition": {"status": {"conditions": [{"type": "Odd", "status": "True"}]}},
    "a condition less": {"status": {"conditions": [{"type": "DiskPressure", "$patch": "delete"}]}},
    "its capacity": {"status": {"capacity": {"cpu": "1000"}}},
    "an amount": {"status": {"allocatable": {"example.org/gpu": "8"}}},
    "a volume": {"status": {"volumesInUse": ["kubernetes.io/x"]}},
    "its port": {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 22}}}},
    "its version": {"status": {"nodeInfo": {"kubeletVersion": "v9"}}},
    "an image": {"status": {"images": [{"names": ["x"], "sizeBytes": 1}]}},
}


@pytest.mark.parametrize("patch", OTHERS.values(), ids=list(OTHERS))
def test_flannel_may_not_change_another_node(flannel: Api, patch: dict[str, Any]) -> None:
    assert not allowed(flannel, "n2/status", patch)


@pytest.mark.parametrize("patch", OWN.values(), ids=list(OWN))
def test_of_its_own_node_flannel_may_change_only_the_network(flannel: Api, patch: dict[str, Any]) -> None:
    before = flannel.get(f"{NODES}/n1")
    assert not allowed(flannel, "n1/status", patch)
    assert not allowed(flannel, "n1", patch)
    after = flannel.get(f"{NODES}/n1")
    assert (before["status"], before["spec"]) == (after["status"], after["spec"])


def test_the_specification_is_not_part_of_the_status(flannel: Api) -> None:
    """The API server drops it before it evaluates the policy."""
    patch = {"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}], "podCIDR": "10.244.9.0/24"}}
    before = flannel.get(f"{NODES}/n1")["spec"]
    allowed(flannel, "n1/status", patch)
    assert flannel.get(f"{NODES}/n1")["spec"] == before and not allowed(flannel, "n1", patch)


def test_the_api_server_finds_no_mistake_in_the_policy(kubernetes: RealKubernetes, flannel: Api) -> None:
    """kube-controller-manager checks the types of every expression."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/hardway-flannel"
    deadline = time.monotonic() + 20
    while not (status := kubernetes.api().get(path).get("status")) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert not ((status or {}).get("typeChecking") or {}).get("expressionWarnings"), status


def test_the_policy_holds_when_flannel_gets_more_rights(kubernetes: RealKubernetes, flannel: Api) -> None:
    """Also where a role gives flannel more than ours does."""
    api = kubernetes.api()
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "hardway:flannel"}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    api.post(path, {"metadata": {"name": "mistake"}, "roleRef": role, "subjects": subjects})
    try:
        assert allowed(flannel, "n1/status", marks())
        for place in ("n1", "n2", "n2/status"):
            assert not allowed(flannel, place, {"metadata": {"annotations": {f"{MARK}/public-ip": "192.0.2.66"}}})
        for name in ("n1", "n2"):
            with pytest.raises(ApiError):
                flannel.delete(f"{NODES}/{name}")
    finally:
        api.delete(f"{path}/mistake")


def test_the_kubelet_is_not_restricted_by_the_policy(kubernetes: RealKubernetes, flannel: Api) -> None:
    kubelet = kubernetes.api(kubernetes.ca.issue("kubelet-n1", "system:node:n1", groups=["system:nodes"]))
    kubelet.patch(f"{NODES}/n1/status", {"status": {"capacity": {"cpu": "4"}}})
    assert kubelet.get(f"{NODES}/n1")["status"]["capacity"]["cpu"] == "4"
    kubelet.patch(f"{NODES}/n1/status", {"status": {"capacity": {"cpu": "2"}}})
