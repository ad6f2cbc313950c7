# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""workload_check against an API without nodes: it reports what is missing, and leaves nothing behind.

Pods that serve, and network faults, are in tests/e2e/cluster/test_lifecycle.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary

Run = Callable[..., dict[str, Any]]
HOME = "/api/v1/namespaces/hardway-verify"


def tried(kubernetes: RealKubernetes, run_module: Run, **options: Any) -> dict[str, Any]:
    """Return the module's result."""
    reached = {"kubeconfig": str(kubernetes.kubeconfig), "kubectl": str(binary("kubectl"))}
    arguments = {**kubernetes.arguments(), **reached, "image": "example.org/busybox:1", "timeout": 3, **options}
    return run_module("workload_check", **arguments)


def test_check_mode_starts_nothing(kubernetes: RealKubernetes, run_module: Run) -> None:
    result = tried(kubernetes, run_module, check=True)
    assert (result["changed"], result["problems"], result["probes"]) == (False, [], 0)
    assert kubernetes.api().find(HOME) is None


def test_pods_that_never_start_are_reported_and_everything_is_removed(
    kubernetes: RealKubernetes, run_module: Run
) -> None:
    """Also what an interrupted run has left: its service has other fields than the one that the module creates."""
    api = kubernetes.api()
    api.post("/api/v1/namespaces", {"metadata": {"name": "hardway-verify"}})
    ports = [{"port": 8080, "targetPort": 8080}]
    api.post(HOME + "/services", {"metadata": {"name": "probe"}, "spec": {"selector": {"app": "old"}, "ports": ports}})
    result = tried(kubernetes, run_module)
    assert result["problems"] == ["pods: none was started; check kube-controller-manager"]
    assert (result["changed"], result["pods"]) == (False, [])
    end = time.monotonic() + 60
    while api.find(HOME):
        assert time.monotonic() < end, "the namespace stays"
        time.sleep(0.3)


def test_what_prevents_pods_is_named(kubernetes: RealKubernetes, run_module: Run) -> None:
    """The controller manager, which does not run here, gives the reason in an event of the DaemonSet."""
    api, end = kubernetes.api(), time.monotonic() + 60
    while api.find(HOME):
        assert time.monotonic() < end, "the namespace stays"
        time.sleep(0.3)
    denied = 'Error creating: admission webhook "images.example.org" denied the request: unknown registry'
    event = {
        "metadata": {"name": "probe.1"},
        "involvedObject": {"kind": "DaemonSet", "name": "probe", "namespace": "hardway-verify"},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": denied,
    }
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(tried, kubernetes, run_module, timeout=8)
        while not api.find(f"{HOME}/services/probe") and time.monotonic() < end:
            time.sleep(0.1)
        api.post(HOME + "/events", event)
        problems = trial.result()["problems"]
    assert problems == ["pods: none was started; check kube-controller-manager", f"pods: not created: {denied}"]


def test_an_api_that_does_not_answer_is_a_problem_not_a_failure(kubernetes: RealKubernetes, run_module: Run) -> None:
    """A play collects the problems of all modules, and fails with all of them at the end."""
    result = tried(kubernetes, run_module, servers=["https://127.0.0.1:1"])
    assert len(result["problems"]) == 1 and "127.0.0.1:1" in result["problems"][0]
    assert not result.get("failed")
