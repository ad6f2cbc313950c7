# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_info against a real API, a real lease, real etcd, and listeners with faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import Programs, RealEtcd, binary, free_ports

Run = Callable[..., dict[str, Any]]
NODES = "/api/v1/nodes"


@pytest.fixture
def node(kubernetes: RealKubernetes) -> Iterator[str]:
    """Return the name of a node whose kubelet claims to be ready."""
    api = kubernetes.api()
    api.post(NODES, {"metadata": {"name": "node1"}})
    status = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.36.2"}}
    api.patch(NODES + "/node1/status", {"status": status})
    yield "node1"
    api.delete(NODES + "/node1")


def etcd_of(etcd: RealEtcd) -> dict[str, Any]:
    return {**etcd.arguments(), "expected_members": etcd.names}


def test_a_healthy_cluster_has_no_problems(kubernetes: RealKubernetes, node: str, run_module: Run) -> None:
    result = run_module(
        "cluster_info",
        **kubernetes.arguments(),
        endpoint=kubernetes.url.replace("127.0.0.1", "localhost"),
        nodes=[node],
        leases=["kube-controller-manager"],
        etcd=etcd_of(kubernetes.etcd),
        services={"default/kubernetes": "10.96.0.1"},
        objects=["/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"],
        timeout=30,
    )
    assert result["healthy"] and result["problems"] == [], result["problems"]
    assert [(m["ready"], m["anonymous"]) for m in result["masters"]] == [(True, 401), (True, 401)]
    assert result["leases"][0]["held"] and result["leases"][0]["holder"]
    assert result["nodes"][0]["version"] == "v1.36.2"
    assert result["etcd"]["leader"] == "m1"


def test_all_problems_are_reported_at_once(kubernetes: RealKubernetes, node: str, run_module: Run) -> None:
    dead = f"https://127.0.0.1:{free_ports(1)[0]}"
    arguments = {**kubernetes.arguments(), "servers": [dead, kubernetes.url]}
    etcd = etcd_of(kubernetes.etcd)
    result = run_module(
        "cluster_info",
        **arguments,
        nodes=["absent"],
        leases=["kube-controller-manager", "nowhere"],
        etcd={**etcd, "expected_members": ["m1", "m2"]},
        deployments=["kube-system/absent"],
        services={"kube-system/absent": "10.96.0.10"},
        objects=["/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/absent"],
    )
    assert not result["healthy"] and not result.get("failed")
    expected = (
        f"{dead}: ",
        "node absent: not registered",
        "node node1: not in the inventory",
        "lease nowhere: never renewed",
        "member m2 is missing",
        "deployment kube-system/absent: there is none",
        "service kube-system/absent: there is none",
        "validatingadmissionpolicies absent: there is none; run site.yml",
    )
    for text in expected:
        assert any(text in problem for problem in result["problems"]), (text, result["problems"])
    assert len(result["problems"]) == len(expected)


def test_an_etcd_without_tls_or_client_authentication_is_found(
    tmp_path: Path, kubernetes: RealKubernetes, run_module: Run
) -> None:
    etcd = kubernetes.etcd
    plain, peer = free_ports(2)
    secured = free_ports(1)[0]
    programs = Programs(tmp_path)
    try:
        programs.start(
            "careless",
            [
                binary("etcd") or "etcd",
                "--name=careless",
                f"--data-dir={tmp_path / 'data'}",
                f"--listen-client-urls=https://127.0.0.1:{secured},http://127.0.0.1:{plain}",
                f"--advertise-client-urls=https://127.0.0.1:{secured}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=careless=http://127.0.0.1:{peer}",
                f"--cert-file={etcd.server}.crt",
                f"--key-file={etcd.server}.key",
            ],
        )
        arguments = {**etcd.arguments(), "endpoints": [f"https://127.0.0.1:{secured}"]}
        assert run_module("etcd_health", **arguments, timeout=30)["healthy"]
        result = run_module("cluster_info", etcd=arguments)
        text = "; ".join(result["problems"])
        assert "answers a client without certificate" in text and "foreign CA" in text
        # A plaintext listener is on another port here: a request to its own URL shows it.
        open_door = run_module("cluster_info", etcd={**arguments, "endpoints": [f"https://127.0.0.1:{plain}"]})
        assert any("answers without TLS" in problem for problem in open_door["problems"])
    finally:
        programs.stop_all()


def test_stopped_manager_loses_its_lease(kubernetes: RealKubernetes, run_module: Run) -> None:
    arguments = {**kubernetes.arguments(), "leases": ["kube-controller-manager"]}
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"
    assert run_module("cluster_info", **arguments, timeout=30)["healthy"]
    kubernetes.programs.stop("kube-controller-manager")
    try:
        kubernetes.api().patch(lease, {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}})
        found = run_module("cluster_info", **arguments)
        assert not found["leases"][0]["held"] and "last renewed" in found["problems"][0]
    finally:
        kubernetes.start_manager()
    assert run_module("cluster_info", **arguments, timeout=60)["healthy"]


def test_served_certificates_are_compared_with_their_files(kubernetes: RealKubernetes, run_module: Run) -> None:
    def served(path: str) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": kubernetes.port, "path": path}

    right = run_module("host_health", served=[served(f"{kubernetes.serving}.crt")])
    assert right["problems"] == []
    assert right["served"][0]["served"] == right["served"][0]["on_disk"] != ""
    wrong = run_module("host_health", served=[served(f"{kubernetes.admin}.crt"), served("/absent.crt")])
    other, absent = wrong["problems"]
    assert "restart the service" in other and "/absent.crt cannot be read" in absent


def test_an_aggregated_api_and_a_webhook_that_nothing_serves_are_named(
    kubernetes: RealKubernetes, run_module: Run
) -> None:
    """Reported by a real API server, which tries to reach the first itself."""
    api = kubernetes.api()
    services, hooks = (
        "/apis/apiregistration.k8s.io/v1/apiservices",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    )
    if api.find(services) is None or api.find(hooks) is None:
        pytest.skip("stand-ins have neither aggregation nor webhooks")
    service = {"namespace": "default", "name": "absent"}
    spec = {"group": "absent.example.org", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1}
    api.post(services, {"metadata": {"name": "v1.absent.example.org"}, "spec": {**spec, "service": service}})
    rule = {"apiGroups": ["absent.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}
    webhook = {
        "name": "gate.example.org",
        "clientConfig": {"service": service},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    api.post(hooks, {"metadata": {"name": "gate"}, "webhooks": [webhook]})
    try:
        result = run_module("cluster_info", **kubernetes.arguments(), leases=[])
        text = "\n".join(result["problems"])
        assert "APIService v1.absent.example.org: not available" in text
        assert "webhook gate.example.org: nothing is ready behind service default/absent" in text
    finally:
        api.delete(f"{services}/v1.absent.example.org")
        api.delete(f"{hooks}/gate")
