# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upgrade must know, from a real API server; and a node that is uncordoned once its kubelet is the new one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.played_nodes import PlayedNodes

Run = Callable[..., dict[str, Any]]
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NODES = "/api/v1/nodes"


@pytest.fixture
def nodes(kubernetes: RealKubernetes) -> Iterator[PlayedNodes]:
    """Start with one node, k1."""
    found = PlayedNodes(kubernetes.api(), "upgrade-info")
    try:
        found.add("k1")
        yield found
    finally:
        found.stop()


def runs(kubernetes: RealKubernetes, version: str) -> None:
    """Let the kubelet of k1 be of a version."""
    kubernetes.api().patch(f"{NODES}/k1/status", {"status": {"nodeInfo": {"kubeletVersion": f"v{version}"}}})


def test_versions_nodes_webhooks_and_deprecated_apis(
    kubernetes: RealKubernetes, nodes: PlayedNodes, run_module: Run
) -> None:
    api = kubernetes.api()
    runs(kubernetes, "1.35.6")
    api.patch(f"{NODES}/k1", {"metadata": {"labels": {"zone": "a"}}, "spec": {"unschedulable": True}})
    client = {"service": {"namespace": "default", "name": "none"}}
    rule = {"apiGroups": ["none"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
    hook = {"name": "a.example.org", "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"]}
    api.post(HOOKS, {"metadata": {"name": "gone"}, "webhooks": [{**hook, "rules": [rule]}]})
    api.get("/api/v1/componentstatuses")
    try:
        found = run_module("upgrade_info", **kubernetes.arguments(), batch_by="zone")
    finally:
        api.delete(f"{HOOKS}/gone")
    served = api.get("/version")["gitVersion"].lstrip("v")
    assert found["servers"] == {kubernetes.url: served} and found["changed"] is False
    (node,) = [one for one in found["nodes"] if one["name"] == "k1"]
    assert node == {"name": "k1", "version": "1.35.6", "ready": True, "cordoned_by": "operator", "zone": "a"}
    assert found["webhooks"] == ["gone (a.example.org, Service default/none)"]
    assert {"api": "v1/componentstatuses", "removed": ""} in found["deprecated"]


def test_a_server_that_does_not_answer_is_an_error(kubernetes: RealKubernetes, run_module: Run) -> None:
    arguments = kubernetes.arguments()
    found = run_module("upgrade_info", **{**arguments, "servers": [*arguments["servers"], "https://127.0.0.1:1"]})
    assert found["failed"] and "https://127.0.0.1:1" in found["msg"]


def test_a_node_is_uncordoned_once_its_kubelet_is_the_new_one(
    kubernetes: RealKubernetes, nodes: PlayedNodes, run_module: Run
) -> None:
    options = {**kubernetes.arguments(), "node": "k1"}
    runs(kubernetes, "1.35.6")
    run_module("node_drain", **options)
    early = run_module("node_drain", **options, state="uncordoned", kubelet_version="1.36.2", timeout=1)
    assert early["failed"] and "kubelet is of version 1.35.6 instead of 1.36.2 after 1 s" in early["msg"]
    assert early["cordoned_by"] == "hardway"
    threading.Timer(2, runs, (kubernetes, "1.36.2")).start()
    done = run_module("node_drain", **options, state="uncordoned", kubelet_version="1.36.2")
    assert done["changed"] and done["cordoned_by"] == "", done
    assert not run_module("node_drain", **options, state="uncordoned", kubelet_version="1.36.2")["changed"]
