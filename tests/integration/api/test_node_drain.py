# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_drain against a real API and real controllers; a thread plays kubelets and scheduler."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.played_nodes import PlayedNodes, wait_for
from tests.support.repository import REPOSITORY

NOTE = "hardway.kubernetes/cordoned-by"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
Run = Callable[..., dict[str, Any]]
_numbers = itertools.count(1)


@pytest.fixture
def nodes(kubernetes: RealKubernetes) -> Iterator[PlayedNodes]:
    """Start with one node, k1."""
    found = PlayedNodes(kubernetes.api(), f"drain-{next(_numbers)}")
    try:
        found.add("k1")
        yield found
    finally:
        found.stop()


@pytest.fixture
def drain(kubernetes: RealKubernetes, run_module: Run) -> Run:
    """Return a function that drains k1 and requires success."""

    def run(*, fails: bool = False, **options: Any) -> dict[str, Any]:
        named = {} if "nodes" in options else {"node": "k1"}
        result = run_module("node_drain", **{**kubernetes.arguments(), **named, "timeout": 120, **options})
        assert bool(result.get("failed")) == fails, result
        return result

    return run


def pod_spec(**spec: Any) -> dict[str, Any]:
    """Return the spec of a pod that ends at once."""
    return {"containers": [{"name": "c", "image": "example.org/c:1"}], "terminationGracePeriodSeconds": 1, **spec}


def requests(**amounts: str) -> dict[str, Any]:
    """Return the spec of a pod with requests."""
    return pod_spec(containers=[{"name": "c", "image": "example.org/c:1", "resources": {"requests": amounts}}])


def bare(nodes: PlayedNodes, name: str, *, annotations: dict[str, str] | None = None, **spec: Any) -> None:
    """Create a pod without a controller on k1."""
    metadata = {"name": name, "annotations": annotations or {}}
    nodes.api.post(f"{nodes.home}/pods", {"metadata": metadata, "spec": pod_spec(nodeName="k1", **spec)})


def workload(nodes: PlayedNodes, kind: str, replicas: int, spec: dict[str, Any] | None = None) -> None:
    """Create a Deployment, StatefulSet or DaemonSet, and wait for its pods to be ready on k1."""
    name = kind.lower()
    body: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec or pod_spec()},
        **({} if kind == "DaemonSet" else {"replicas": replicas}),
        **({"serviceName": name, "podManagementPolicy": "Parallel"} if kind == "StatefulSet" else {}),
    }
    home = f"/apis/apps/v1/namespaces/{nodes.namespace}/{name}s"
    nodes.api.post(home, {"metadata": {"name": name}, "spec": body})
    count = len(nodes.ready("k1")) + replicas
    wait_for(lambda: len(nodes.ready("k1")) >= count, f"the pods of the {kind} are not ready")


def budget(nodes: PlayedNodes, app: str, least: int, allowed: int, name: str = "web") -> None:
    """Create a budget, and wait until the controller has computed what it allows."""
    path = f"/apis/policy/v1/namespaces/{nodes.namespace}/poddisruptionbudgets"
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    nodes.api.post(path, {"metadata": {"name": name}, "spec": spec})

    def computed() -> bool:
        status = nodes.api.get(f"{path}/{name}").get("status") or {}
        return bool(status.get("observedGeneration")) and status.get("disruptionsAllowed") == allowed

    wait_for(computed, "the budget is not computed")


def cordon(nodes: PlayedNodes, name: str = "k1") -> tuple[bool, str | None]:
    """Return whether a node is cordoned, and who that was by its annotation."""
    found = nodes.node(name)
    note = (found["metadata"].get("annotations") or {}).get(NOTE)
    return bool(found["spec"].get("unschedulable")), note


def names(entries: list[dict[str, Any]]) -> list[str]:
    """Return the names of a plan's entries."""
    return [entry["name"] for entry in entries]


def test_the_cordon_of_the_operator_stays(nodes: PlayedNodes, drain: Run) -> None:
    assert drain(check=True)["changed"] and cordon(nodes) == (False, None)
    done = drain()
    assert done["changed"] and done["cordoned_by"] == "hardway" and cordon(nodes) == (True, "hardway")
    assert "+" not in done["diff"]["after"] and "k1: cordoned" in done["diff"]["after"]
    assert not drain()["changed"] and not drain(check=True)["changed"]
    assert drain(state="uncordoned", check=True)["changed"] and cordon(nodes) == (True, "hardway")
    kept = drain(state="uncordoned", keep_annotation=True)
    assert kept["changed"] and kept["cordoned_by"] == "" and cordon(nodes) == (False, "hardway")
    assert not drain(state="uncordoned", keep_annotation=True)["changed"]
    assert drain(state="uncordoned")["changed"] and cordon(nodes) == (False, None)
    assert not drain(state="uncordoned")["changed"]

    nodes.api.patch("/api/v1/nodes/k1", {"spec": {"unschedulable": True}})
    assert not drain(state="uncordoned")["changed"]
    assert drain()["cordoned_by"] == "operator" and cordon(nodes) == (True, "operator")
    assert not drain()["changed"]
    assert drain(state="uncordoned")["cordoned_by"] == "operator" and cordon(nodes) == (True, None)
    assert not drain(state="uncordoned")["changed"]
    assert drain(state="uncordoned", keep_cordoned=False)["changed"] and cordon(nodes) == (False, None)


def test_a_node_is_uncordoned_once_it_is_ready_since_the_boot(nodes: PlayedNodes, drain: Run) -> None:
    assert drain()["changed"]
    failed = drain(state="uncordoned", boot_id="b2", timeout=2, fails=True)
    assert "its kubelet has not reported since the boot after 2 s, and it stays cordoned" in failed["msg"]
    assert cordon(nodes) == (True, "hardway")
    info = {"machineID": "m", "systemUUID": "u", "bootID": "b2", "kernelVersion": "6.1", "osImage": "o"}
    info |= {"containerRuntimeVersion": "c", "kubeletVersion": "v1", "kubeProxyVersion": "", "operatingSystem": "linux"}
    status = {"nodeInfo": {**info, "architecture": "amd64"}, "conditions": [{"type": "Ready", "status": "True"}]}
    nodes.api.patch("/api/v1/nodes/k1/status", {"status": status})
    assert drain(state="uncordoned", boot_id="b2")["changed"] and cordon(nodes) == (False, None)


def test_a_node_that_may_forge_the_annotation_may_lift_its_cordon_anyway(
    kubernetes: RealKubernetes, nodes: PlayedNodes
) -> None:
    nodes.api.patch("/api/v1/nodes/k1", {"spec": {"unschedulable": True}})
    kubelet = kubernetes.api(kubernetes.ca.issue("kubelet-k1", "system:node:k1", groups=["system:nodes"]))
    kubelet.patch("/api/v1/nodes/k1", {"spec": {"unschedulable": None}})
    assert cordon(nodes) == (False, None)


def test_check_mode_returns_the_plan_and_changes_nothing(nodes: PlayedNodes, drain: Run) -> None:
    nodes.add("k2")
    workload(nodes, "Deployment", 2, pod_spec(volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]))
    workload(nodes, "DaemonSet", 1)
    bare(nodes, "debug")
    bare(nodes, "static", annotations={"kubernetes.io/config.mirror": "x"})
    bare(nodes, "job")
    wait_for(lambda: len(nodes.ready("k1")) == 6, "the pods are not ready")
    nodes.api.patch(f"{nodes.home}/pods/job/status", {"status": {"phase": "Succeeded"}})

    def state() -> dict[str, Any]:
        return {
            name: (pod["metadata"]["uid"], pod["metadata"]["resourceVersion"]) for name, pod in nodes.pods().items()
        }

    before = state()
    refused = drain(fails=True, check=True)
    assert refused["msg"].startswith(f"node k1: pods without a controller would be lost: {nodes.namespace}/debug; ")
    assert drain(fails=True)["plan"] == refused["plan"]
    checked = drain(check=True, delete_bare=True)
    assert state() == before and cordon(nodes) == (False, None)
    plan = checked["plan"]
    assert plan == refused["plan"]
    assert names(plan["lost"]) == ["debug"] and len(plan["evict"]) == 2 and plan["leaving"] == []
    assert {entry["owner"].split()[0] for entry in plan["evict"]} == {"ReplicaSet"}
    assert sorted(entry["reason"] for entry in plan["left"]) == ["DaemonSet", "finished", "static"]
    assert [(v["volume"], v["size_limit"], v["bytes"]) for v in plan["empty_dirs"]] == [("tmp", "1Gi", None)] * 2

    done = drain(delete_bare=True)
    assert done["plan"] == plan and done["evicted"] == checked["evicted"] and len(done["evicted"]) == 3
    assert done["diff"] == checked["diff"]
    assert len(nodes.pods("k1")) == 3 and {"static", "job"} <= set(nodes.pods("k1"))
    again = drain()
    assert not again["changed"] and again["evicted"] == [] and len(again["plan"]["left"]) == 3


def test_a_budget_is_waited_for(nodes: PlayedNodes, drain: Run) -> None:
    workload(nodes, "Deployment", 2)
    budget(nodes, "deployment", 1, allowed=1)
    nodes.add("k2")
    nodes.starting, nodes.fewest = set(), 2
    first = threading.Timer(0, lambda: wait_for(lambda: len(nodes.ready()) < 2, "no pod was evicted"))
    released = threading.Thread(target=lambda: (first.run(), setattr(nodes, "starting", None)))
    released.start()
    try:
        done = drain()
    finally:
        released.join()
    assert len(done["evicted"]) == 2 and done["plan"]["blocked"] == []
    assert nodes.fewest == 1 and nodes.pods("k1") == {}


def test_a_budget_that_another_drain_uses_up_is_waited_for(nodes: PlayedNodes, drain: Run) -> None:
    workload(nodes, "Deployment", 2)
    budget(nodes, "deployment", 1, allowed=1)
    nodes.add("k2")
    nodes.starting, nodes.fewest = set(), 2
    # As the other one has done.
    nodes.api.delete(f"{nodes.home}/pods/{nodes.ready('k1')[0]}")
    path = f"/apis/policy/v1/namespaces/{nodes.namespace}/poddisruptionbudgets/web"
    wait_for(lambda: nodes.api.get(path)["status"]["disruptionsAllowed"] == 0, "the budget still allows an eviction")
    assert "pods that may not be evicted now" in drain(fails=True)["msg"]
    assert "pods that may not be evicted now" in drain(fails=True, check=True, wait_for_pdb=True)["msg"]
    released = threading.Timer(3, lambda: setattr(nodes, "starting", None))
    released.start()
    # Not deleted either.
    done = drain(wait_for_pdb=True, force_pdb=True)
    released.join()
    assert [entry["waited_for"] for entry in done["plan"]["blocked"]] == [True]
    assert nodes.fewest == 1 and nodes.pods("k1") == {}


def test_several_nodes_are_drained_together_and_one_that_fails_keeps_no_other(nodes: PlayedNodes, drain: Run) -> None:
    workload(nodes, "Deployment", 4)
    budget(nodes, "deployment", 3, allowed=1)
    nodes.add("k2")
    nodes.add("k3")
    nodes.fewest = 4
    done = drain(nodes=["k1", "k2", "none"], wait_for_pdb=True)
    assert done["problems"] == {"none": "node none: there is no such node; check the name with kubectl get nodes"}
    assert len(done["evicted"]) >= 4 and list(done["plans"]) == ["k1", "k2"]
    assert "node k1: cordoned" in done["diff"]["after"] and "node k2: cordoned" in done["diff"]["after"]
    assert nodes.pods("k1") == nodes.pods("k2") == {} and cordon(nodes) == cordon(nodes, "k2") == (True, "hardway")
    assert nodes.fewest == 3 and len(nodes.ready("k3")) == 4
    assert not drain(nodes=["k1", "k2"])["changed"]
    assert drain(nodes=["k1", "k2"], state="uncordoned")["problems"] == {}
    assert cordon(nodes) == cordon(nodes, "k2") == (False, None)


@pytest.mark.long
def test_a_budget_that_is_never_freed_ends_at_the_deadline_and_the_same_call_goes_on(
    nodes: PlayedNodes, drain: Run
) -> None:
    workload(nodes, "Deployment", 2)
    budget(nodes, "deployment", 1, allowed=1)
    nodes.add("k2")
    nodes.starting = set()
    failed = drain(fails=True, timeout=10)
    assert failed["changed"] and len(failed["evicted"]) == 1
    assert f"budget {nodes.namespace}/web: The disruption budget web needs 1 healthy pods and has 1" in failed["msg"]
    assert "not drained within 10 s, and it stays cordoned" in failed["msg"] and "uncordoned" in failed["msg"]
    assert cordon(nodes) == (True, "hardway") and len(nodes.ready("k1")) == 1

    # The budget allows nothing because of the first run.
    again = drain(fails=True, timeout=3)
    assert again["plan"]["resumed"] and names(again["plan"]["blocked"]) == nodes.ready("k1")
    assert not again["changed"] and "not drained within 3 s" in again["msg"]
    nodes.starting = None
    assert len(drain()["evicted"]) == 1 and nodes.pods("k1") == {}


def test_a_budget_that_allows_nothing_refuses_the_drain_before_any_change(nodes: PlayedNodes, drain: Run) -> None:
    nodes.add("k2")
    workload(nodes, "Deployment", 2)
    workload(nodes, "StatefulSet", 1)
    budget(nodes, "deployment", 2, allowed=0)
    budget(nodes, "statefulset", 0, allowed=1, name="one")
    budget(nodes, "statefulset", 0, allowed=1, name="another")
    before = nodes.ready("k1")
    refused = drain(fails=True)
    assert drain(fails=True, check=True)["msg"] == refused["msg"]
    assert {entry["budget"] for entry in refused["plan"]["blocked"]} == {f"{nodes.namespace}/web", ""}
    assert drain(fails=True, wait_for_pdb=True)["msg"] == refused["msg"]
    assert "more than one PodDisruptionBudget" in refused["msg"] and "set force_pdb" in refused["msg"]
    assert not refused["changed"] and cordon(nodes) == (False, None) and nodes.ready("k1") == before
    assert len(drain(force_pdb=True)["evicted"]) == 3 and nodes.pods("k1") == {}


def test_a_pod_of_a_stateful_set_is_not_awaited_where_it_comes_back(nodes: PlayedNodes, drain: Run) -> None:
    nodes.add("k2")
    workload(nodes, "StatefulSet", 2)
    before = {name: pod["metadata"]["uid"] for name, pod in nodes.pods("k1").items()}
    assert len(drain()["evicted"]) == 2
    wait_for(lambda: set(nodes.ready("k2")) == set(before), "the pods do not come back")
    assert not {pod["metadata"]["uid"] for pod in nodes.pods("k2").values()} & set(before.values())
    assert not drain()["changed"] and len(nodes.ready("k2")) == 2


def test_pods_that_fit_nowhere_refuse_the_drain(nodes: PlayedNodes, drain: Run) -> None:
    workload(nodes, "Deployment", 2, requests(cpu="1500m", memory="1Gi"))
    assert "no other node is ready and schedulable" in drain(fails=True)["msg"]
    nodes.add("k2", allocatable={"cpu": "2"})
    refused = drain(fails=True)
    assert len(refused["plan"]["unplaceable"]) == 1 and "too little cpu on k2" in refused["msg"]
    nodes.add("k3", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    assert drain(fails=True)["plan"] == refused["plan"] and cordon(nodes) == (False, None)
    assert len(drain(force_room=True)["evicted"]) == 2
    # k1 is cordoned now; an interrupted run would bring it back before it goes on with k2.
    wait_for(lambda: len(nodes.ready("k2")) == 2, "the pods do not run on k2")
    assert len(drain(node="k2", check=True, fails=True)["plan"]["unplaceable"]) == 2
    assert drain(node="k2", check=True, resumed_nodes_return=True)["plan"]["unplaceable"] == []
    assert drain(state="uncordoned")["changed"]
    nodes.api.patch("/api/v1/nodes/k3", {"spec": {"taints": None}})
    assert drain(node="k2", check=True)["plan"]["unplaceable"] == []


@pytest.mark.long
def test_pods_of_the_only_node_do_not_wait_for_a_budget_that_is_never_freed(nodes: PlayedNodes, drain: Run) -> None:
    workload(nodes, "Deployment", 2)
    budget(nodes, "deployment", 1, allowed=1)
    failed = drain(fails=True, force_room=True, timeout=10)
    assert len(failed["evicted"]) == 1 and "The disruption budget web needs 1 healthy pods" in failed["msg"]
    assert drain(state="uncordoned")["changed"]
    wait_for(lambda: len(nodes.ready("k1")) == 2, "the pods do not come back")
    assert len(drain(force_room=True, force_pdb=True)["evicted"]) == 2 and nodes.pods("k1") == {}


@pytest.mark.long
def test_volume_attachments_are_waited_for_except_those_in_use(nodes: PlayedNodes, drain: Run) -> None:
    nodes.add("k2")
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""}
    nodes.api.post(
        f"{nodes.home}/persistentvolumeclaims", {"metadata": {"name": "logs"}, "spec": {**claim, "volumeName": "kept"}}
    )
    volume = {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}}
    workload(nodes, "DaemonSet", 1, pod_spec(volumes=[volume]))
    attached = [f"{nodes.namespace}-kept", f"{nodes.namespace}-data", f"{nodes.namespace}-other"]
    places = zip(attached, ["k1", "k1", "k2"], ["kept", "data", "data"])
    for name, node, persistent in places:
        spec = {"attacher": "csi.example.org", "nodeName": node, "source": {"persistentVolumeName": persistent}}
        nodes.api.post(ATTACHMENTS, {"metadata": {"name": name}, "spec": spec})
    try:
        failed = drain(fails=True, timeout=3)
        assert f"what remains: VolumeAttachment {attached[1]}; " in failed["msg"] and "CSI driver" in failed["msg"]
        assert cordon(nodes) == (True, "hardway")
        late = threading.Timer(1, lambda: nodes.api.delete(f"{ATTACHMENTS}/{attached[1]}"))
        late.start()
        assert not drain()["changed"]
        assert nodes.api.find(f"{ATTACHMENTS}/{attached[1]}") is None
    finally:
        for name in attached:
            nodes.api.delete(f"{ATTACHMENTS}/{name}")


def test_a_pod_that_does_not_end_is_named(nodes: PlayedNodes, drain: Run) -> None:
    bare(nodes, "stuck")
    nodes.stopping = set()
    failed = drain(fails=True, timeout=3, delete_bare=True)
    assert f"pod {nodes.namespace}/stuck (terminating)" in failed["msg"] and "kubelet" in failed["msg"]
    assert failed["evicted"] == [f"{nodes.namespace}/stuck"]
    nodes.stopping = None
    done = drain()
    assert not done["changed"] and nodes.pods("k1") == {}


# Ends its process before a request that changes something, as a power cut would.
KILLED = """
import json, os, signal, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([sys.argv[1]])
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardway.kubernetes.plugins.modules import node_drain
left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event == "http.client.send" and bytes(arguments[1]).startswith((b"PATCH", b"POST", b"DELETE")):
        if b"dryRun" not in bytes(arguments[1]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
with patch_module_args(json.loads(sys.argv[3])):
    node_drain.main()
"""


@pytest.mark.long
def test_a_killed_drain_goes_on(kubernetes: RealKubernetes, nodes: PlayedNodes, drain: Run) -> None:
    """Each run is killed before a later change than the run before it. Evictions are concurrent, so progress varies."""
    nodes.add("k2")
    workload(nodes, "StatefulSet", 3)
    budget(nodes, "statefulset", 2, allowed=1)

    def run(number: int) -> int:
        arguments = {**kubernetes.arguments(), "node": "k1", "timeout": 120, "_ansible_remote_tmp": "/tmp"}
        command = [sys.executable, "-c", KILLED, str(REPOSITORY / ".collections"), str(number), json.dumps(arguments)]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
        return done.returncode

    nodes.fewest = 3
    assert run(1) == -signal.SIGKILL and cordon(nodes) == (False, None)
    assert run(2) == -signal.SIGKILL and cordon(nodes) == (True, "hardway") and len(nodes.pods("k1")) == 3
    number = 2
    while run(number) != 0:
        number += 1
        assert cordon(nodes) == (True, "hardway")
    assert number > 2 and nodes.fewest >= 2 and nodes.pods("k1") == {}
    assert not drain()["changed"]
    assert drain(state="uncordoned")["changed"] and cordon(nodes) == (False, None)


@pytest.mark.long
@pytest.mark.slow
def test_many_pods_are_read_in_pages(nodes: PlayedNodes, drain: Run) -> None:
    nodes.starting = set()
    map_concurrently(lambda number: bare(nodes, f"p{number:03}"), range(600), 8)
    plan = drain(check=True, delete_bare=True)["plan"]
    assert len(plan["lost"]) == 600
    done = drain(delete_bare=True, timeout=600)
    assert len(done["evicted"]) == 600 and nodes.pods("k1") == {}


def test_an_unknown_node_is_an_error(kubernetes: RealKubernetes, run_module: Run) -> None:
    for state in ("drained", "uncordoned"):
        result = run_module("node_drain", **kubernetes.arguments(), node="none", state=state)
        assert result["msg"] == "node none: there is no such node; check the name with kubectl get nodes"
        result = run_module("node_drain", **kubernetes.arguments(), node="none", state=state, required=False)
        assert not result["changed"] and not result.get("failed")


def test_the_plans_of_many_nodes_are_those_of_each(
    kubernetes: RealKubernetes, nodes: PlayedNodes, drain: Run, run_module: Run
) -> None:
    nodes.add("k2")
    bare(nodes, "debug")
    workload(nodes, "Deployment", 2)
    alone = drain(fails=True, check=True)
    found = run_module("drain_info", **kubernetes.arguments(), nodes=["k2", "none", "k1"])
    assert found["changed"] is False
    empty, missing, both = found["drains"]
    assert missing == {"node": "none"}
    assert empty["node"] == "k2" and "msg" not in empty and empty["plan"]["evict"] == []
    assert (both["msg"], both["plan"]) == (alone["msg"], alone["plan"])
    forced = run_module("drain_info", **kubernetes.arguments(), nodes=["k1"], delete_bare=True)
    assert "msg" not in forced["drains"][0], forced
