# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_status against a real API and real etcd, with servers that are dead and an etcd without a quorum."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.api.joining import CSRS
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import RealEtcd, free_ports

Run = Callable[..., dict[str, Any]]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


def test_a_healthy_cluster_with_a_dead_server(kubernetes: RealKubernetes, run_module: Run) -> None:
    manager = {**kubernetes.arguments(), "leases": ["kube-controller-manager"], "timeout": 60}
    assert run_module("cluster_info", **manager)["leases"][0]["held"]
    dead = f"https://127.0.0.1:{free_ports(1)[0]}"
    api, name = kubernetes.api(), "node-status"
    api.post("/api/v1/nodes", {"metadata": {"name": name}, "spec": {"unschedulable": True}})
    lock = {"holder": "alice@ctrl1/11-1", "operation": "rotate_ca.yml", "duration": 1}
    assert run_module("cluster_lock", **kubernetes.arguments(), **lock)["lock"] == "held"
    recorded = run_module("cluster_record", **kubernetes.arguments(), name="prod")["record"]
    time.sleep(2.5)
    try:
        found = run_module(
            "cluster_status",
            **{**kubernetes.arguments(), "servers": [dead, kubernetes.url]},
            endpoint=kubernetes.url,
            etcd=kubernetes.etcd.arguments(),
        )
    finally:
        api.delete(f"/api/v1/nodes/{name}")
        api.delete(f"{LEASES}/hardway")
        api.delete("/api/v1/namespaces/kube-system/configmaps/hardway-cluster")
    assert not found["changed"] and not found.get("failed")
    first, second = found["servers"]
    assert (first["ready"], first["reason"]) == (False, "refuses connections")
    assert second["ready"] and second["version"].startswith("1.") and found["endpoint"] == second
    (node,) = [node for node in found["nodes"] if node["name"] == name]
    assert node["unschedulable"] and not node["ready"]
    operation = found["operation"]
    assert (operation["holder"], operation["playbook"]) == ("alice@ctrl1/11-1", "rotate_ca.yml")
    assert not operation["held"], "it was not renewed in time"
    assert found["leaders"][0]["holder"] and found["record"] == recorded and found["api_error"] == ""
    (member,) = found["etcd"]["members"]
    assert member["healthy"] and member["db_size"] > 0
    # What etcd has without a setting.
    assert member["quota"] == 2 * 1024**3


def test_the_running_operation_is_known_without_an_api_server(kubernetes: RealKubernetes, run_module: Run) -> None:
    etcd, nowhere = kubernetes.etcd.arguments(), {"servers": ["https://127.0.0.1:9"]}
    arguments = {**kubernetes.arguments(), **nowhere, "etcd": etcd}
    assert run_module("cluster_status", **arguments)["operation"] == {}
    lock = {**arguments, "holder": "alice@ctrl1/11-1", "operation": "restore.yml"}
    assert run_module("cluster_lock", **lock)["lock"] == "held"
    try:
        operation = run_module("cluster_status", **arguments)["operation"]
    finally:
        run_module("cluster_lock", **lock, state="absent")
    assert (operation["holder"], operation["playbook"], operation["held"]) == ("alice@ctrl1/11-1", "restore.yml", True)
    unresponsive = {**etcd, "endpoints": ["https://127.0.0.1:9"]}
    assert "operation" not in run_module("cluster_status", **{**arguments, "etcd": unresponsive})


def test_a_csr_is_pending_until_it_is_decided(kubernetes: RealKubernetes, tmp_path: Path, run_module: Run) -> None:
    openssl = (
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out r -subj /O=ops/CN=pending"
    )
    subprocess.run(openssl.split(), cwd=tmp_path, check=True, capture_output=True)
    request = base64.b64encode((tmp_path / "r").read_bytes()).decode()
    spec = {"request": request, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    api = kubernetes.api()
    made = api.post(CSRS, {"metadata": {"name": "pending"}, "spec": spec})
    try:
        (csr,) = run_module("cluster_status", **kubernetes.arguments())["pending_csrs"]
        assert (csr["name"], csr["user"], csr["signer"]) == ("pending", "admin", spec["signerName"])
        assert 0 <= csr["age"] < 60
        condition = {"type": "Denied", "status": "True", "reason": "Test", "message": "no"}
        api.put(f"{CSRS}/pending/approval", {**made, "status": {"conditions": [condition]}})
        assert run_module("cluster_status", **kubernetes.arguments())["pending_csrs"] == []
    finally:
        api.delete(f"{CSRS}/pending")


def test_etcd_answers_without_a_quorum(etcd: RealEtcd, run_module: Run) -> None:
    assert run_module("etcd_health", **etcd.arguments(), timeout=60)["healthy"]
    healthy = run_module("cluster_status", etcd=etcd.arguments())["etcd"]
    assert [member["healthy"] for member in healthy["members"]] == [True] * 3 and healthy["leader"] in etcd.names
    first, *others = etcd.names
    try:
        for name in others:
            etcd.programs.stop(name)
        started = time.monotonic()
        found = run_module("cluster_status", etcd=etcd.arguments())["etcd"]
        assert time.monotonic() - started < 15
    finally:
        for name in others:
            etcd.start(name)
        assert run_module("etcd_health", **etcd.arguments(), timeout=60)["healthy"]
    states = {member["name"]: member for member in found["members"]}
    assert set(states) == set(etcd.names), "the member that runs knows the others"
    assert states[first]["version"] and not states[first]["healthy"] and states[first]["db_size"]
    assert all(states[name]["error"] == "refuses connections" and not states[name]["version"] for name in others)


def test_without_any_answer_it_still_succeeds(kubernetes: RealKubernetes, etcd: RealEtcd, run_module: Run) -> None:
    dead = f"https://127.0.0.1:{free_ports(1)[0]}"
    found = run_module(
        "cluster_status",
        **{**kubernetes.arguments(), "servers": [dead]},
        endpoint=dead,
        etcd={**etcd.arguments(), "endpoints": [dead]},
    )
    assert found["api_error"] == "no API server is ready" and "nodes" not in found
    assert [member["error"] for member in found["etcd"]["members"]] == ["refuses connections"]
