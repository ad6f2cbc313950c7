# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of workloads, Services and extensions of the API, from their objects."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems as state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import object_problems as objects


def pod(name: str = "coredns-1", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": status}


CRASHING = pod(
    conditions=[{"type": "Ready", "status": "False"}],
    containerStatuses=[
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "Loop detected"}},
        }
    ],
)
READY = pod(conditions=[{"type": "Ready", "status": "True"}])


def deployment(replicas: int, available: int | None) -> dict[str, Any]:
    return {"spec": {"replicas": replicas}, "status": {"availableReplicas": available}}


@pytest.mark.parametrize(
    ("found", "pods", "words"),
    [
        (None, [], "there is none"),
        (deployment(0, None), [], "scaled to 0"),
        (deployment(2, 2), [READY, READY], ""),
        (deployment(2, None), [], "0 of 2 replicas are available: its pods have not started"),
        (
            deployment(2, 1),
            [READY, CRASHING],
            "1 of 2 replicas are available: pod coredns-1: CrashLoopBackOff, back-off 20s, Loop detected, it exited",
        ),
        (
            deployment(1, 0),
            [pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}])],
            "pod coredns-1: 0/3 nodes are available",
        ),
        (deployment(1, 0), [pod(phase="Pending")], "pod coredns-1: Pending, not ready"),
    ],
)
def test_why_a_deployment_is_not_available(found: Any, pods: list[Any], words: str) -> None:
    problem = objects.deployment_problem("kube-system/coredns", found, pods)
    assert words in problem and bool(problem) is bool(words)


@pytest.mark.parametrize(
    ("found", "slices", "words"),
    [
        (None, [], "there is none"),
        ({"spec": {"clusterIP": "10.96.0.9"}}, [], "its address is 10.96.0.9, and pods ask 10.96.0.10"),
        ({"spec": {"clusterIP": "10.96.0.10"}}, [], "no endpoint is ready"),
        (
            {"spec": {"clusterIP": "10.96.0.10"}},
            [{"endpoints": [{"conditions": {"ready": False}}]}],
            "no endpoint is ready",
        ),
        ({"spec": {"clusterIP": "10.96.0.10"}}, [{"endpoints": [{"conditions": {"ready": True}}]}], ""),
    ],
)
def test_why_a_service_has_no_endpoints(found: Any, slices: list[Any], words: str) -> None:
    problem = objects.service_problem("kube-system/kube-dns", "10.96.0.10", found, slices)
    assert words in problem and bool(problem) is bool(words)


def test_an_aggregated_api_that_is_not_available_is_named() -> None:
    def item(name: str, status: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name},
            "status": {"conditions": [{"type": "Available", "status": status, "message": "no route"}]},
        }

    (problem,) = objects.api_service_problems([item("v1.", "True"), item("v1beta1.metrics.k8s.io", "False")])
    assert problem.startswith("APIService v1beta1.metrics.k8s.io: not available: no route;")


def test_only_webhooks_that_refuse_requests_count_and_their_service_is_named() -> None:
    def webhook(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "clientConfig": {"service": {"namespace": "policy", "name": "gate"}}, **more}

    configuration = {
        "webhooks": [
            webhook("a.example.org"),
            webhook("b.example.org", failurePolicy="Ignore"),
            {"name": "c.example.org", "clientConfig": {"url": "https://elsewhere"}},
        ]
    }
    needed = objects.required_services([configuration])
    assert needed == {("policy", "gate"): ["a.example.org"]}
    assert "policy/gate" in objects.webhook_problem("policy", "gate", ["a.example.org"], [])
    assert objects.webhook_problem("policy", "gate", ["a.example.org"], [{"endpoints": [{}]}]) == ""


def test_nodes_under_pressure_and_nodes_with_one_range_are_named() -> None:
    def node(name: str, cidr: str, *conditions: dict[str, str]) -> dict[str, Any]:
        ready = {"type": "Ready", "status": "True"}
        return {"metadata": {"name": name}, "spec": {"podCIDR": cidr}, "status": {"conditions": [ready, *conditions]}}

    full = {"type": "DiskPressure", "status": "True", "message": "disk is full"}
    states = state.node_states([node("a", "10.244.0.0/24", full), node("b", "10.244.0.0/24"), node("c", "")])
    pressure, shared = state.node_problems(states, [])
    assert pressure == "node a: DiskPressure: disk is full"
    assert shared.startswith("nodes a, b: all have the pod range 10.244.0.0/24;")
