# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspects all parts of a cluster in parallel; a part that does not answer is a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems as state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import object_problems as objects
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.leftovers import scratch
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import Etcd, evaluated
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases as kubernetes_leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, query
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.issue import self_signed
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"


def inspect_masters(urls: Sequence[str], tls: Tls) -> list[dict[str, Any]]:
    """Return for each URL whether it is ready, and what it answers to an anonymous client."""

    def inspect(url: str) -> dict[str, Any]:
        seen: dict[str, Any] = {"url": url, "ready": False, "detail": "", "anonymous": 0, "error": ""}
        try:
            answer = request(url + "/readyz?verbose", tls=tls)
            seen["ready"] = answer.status == 200
            if not seen["ready"]:
                seen["detail"] = _failed_checks(answer.body.decode("utf-8", "replace")) or f"status {answer.status}"
            seen["anonymous"] = request(url + "/api", tls=Tls(ca=tls.ca)).status
        except HttpError as exc:
            seen["error"] = str(exc)
        return seen

    return map_concurrently(inspect, urls)


def _failed_checks(text: str) -> str:
    """Return the names of the checks that the verbose page marks as failed."""
    return ", ".join(line[3:].split(" ")[0] for line in text.splitlines() if line.startswith("[-]"))


def inspect_leases(api: Api, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the state of the leader elections."""
    leases = {name: api.find(LEASES + name) for name in names}
    return state.lease_states(leases, kubernetes_leases.server_time(api.date))


def inspect_nodes(api: Api) -> list[dict[str, Any]]:
    """Return the state of the nodes."""
    return state.node_states(api.items("/api/v1/nodes"))


class EtcdProbe:
    """Inspects etcd repeatedly, comparing revisions with the previous call."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Remember how to reach it."""
        self.endpoints = [endpoint.rstrip("/") for endpoint in params["endpoints"]]
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.health = evaluated(Etcd(self.endpoints, self.tls), params["expected_members"])

    def refusals(self) -> list[dict[str, Any]]:
        """Return for each endpoint whether it accepts plaintext, no certificate, or a foreign one."""
        with scratch() as directory:
            cert, key = foreign_certificate(directory)
            return map_concurrently(lambda endpoint: self._refusal(endpoint, cert, key), self.endpoints)

    def _refusal(self, endpoint: str, cert: str, key: str) -> dict[str, Any]:
        """Try three clients that must fail."""
        return {
            "endpoint": endpoint,
            # Go answers 400 in plaintext on a TLS listener: that is a refusal.
            "plaintext": _answers(endpoint.replace("https://", "http://", 1), Tls()),
            "without_certificate": _answers(endpoint, Tls(ca=self.tls.ca)),
            "foreign_certificate": _answers(endpoint, Tls(ca=self.tls.ca, cert=cert, key=key)),
        }


def _answers(endpoint: str, tls: Tls) -> bool:
    """Return whether the health page can be read, or any other answer than a refusal comes."""
    try:
        return request(endpoint + "/health", tls=tls, timeout=3).status not in (400, 401, 403)
    except HttpError:
        return False


def foreign_certificate(directory: str) -> tuple[str, str]:
    """Write a self-signed client certificate that no CA knows; return the paths of certificate and key."""
    options = {"path": "foreign", "self_signed": True, "profile": "client", "common_name": "foreign", "expiry": "1h"}
    spec = CertificateSpec.from_params(options)
    key = new_key(spec.key)
    paths = (f"{directory}/foreign.crt", f"{directory}/foreign.key")
    for path, content in zip(paths, (certificate_pem(self_signed(spec, key)), key_pem(key))):
        with open(path, "wb") as file:
            file.write(content)
    return paths


def workload_problems(api: Api, deployments: Sequence[str], services: Mapping[str, str]) -> list[str]:
    """Return what is wrong with these Deployments and Services, all named ``namespace/name``."""
    found = []
    for name in deployments:
        namespace, _slash, short = name.partition("/")
        deployment = api.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{short}")
        labels = (((deployment or {}).get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = f"/api/v1/namespaces/{namespace}/pods"
        listed = api.get(query(pods, labelSelector=selector)).get("items") or [] if selector else []
        found.append(objects.deployment_problem(name, deployment, listed))
    for name, address in services.items():
        namespace, _slash, short = name.partition("/")
        service = api.find(f"/api/v1/namespaces/{namespace}/services/{short}")
        found.append(objects.service_problem(name, address, service, _slices(api, namespace, short)))
    return [problem for problem in found if problem]


def missing_objects(api: Api, paths: Sequence[str]) -> list[str]:
    """Return which objects do not exist, by their API paths."""
    missing = [path.rpartition("/") for path in paths if api.find(path) is None]
    return [
        f"{parent.rpartition('/')[2]} {name}: there is none; run site.yml, which creates it again"
        for parent, _slash, name in missing
    ]


def _slices(api: Api, namespace: str, service: str) -> list[dict[str, Any]]:
    """Return the EndpointSlices of a Service."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    answer = api.find(query(path, labelSelector=f"kubernetes.io/service-name={service}"))
    return (answer or {}).get("items") or []


def extension_problems(api: Api) -> list[str]:
    """Return the aggregated APIs that are not available, and the webhooks behind which nothing serves."""
    listed = api.find("/apis/apiregistration.k8s.io/v1/apiservices") or {}
    found = objects.api_service_problems(listed.get("items") or [])
    configurations: list[dict[str, Any]] = []
    for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        answer = api.find(f"/apis/admissionregistration.k8s.io/v1/{kind}") or {}
        configurations += answer.get("items") or []
    for (namespace, service), webhooks in objects.required_services(configurations).items():
        found.append(objects.webhook_problem(namespace, service, webhooks, _slices(api, namespace, service)))
    return [problem for problem in found if problem]


def kubelet_problems(servers: Sequence[str], tls: Tls, nodes: Sequence[str]) -> list[str]:
    """Return the nodes whose kubelet an API server does not reach; the servers share the nodes among them."""

    def problem(pair: tuple[int, str]) -> str:
        # Not the one on the node itself, where they share hosts: the packets between hosts matter as well.
        index, node = pair
        server = servers[(index + 1) % len(servers)]
        try:
            answer = request(f"{server}/api/v1/nodes/{node}/proxy/healthz", tls=tls, timeout=10)
        except HttpError as exc:
            return f"node {node}: its kubelet does not answer by way of {server}: {exc}; check port 10250 there"
        if answer.status == 200:
            return ""
        words = " ".join(answer.body.decode("utf-8", "replace").split())[:300]
        return (
            f"node {node}: {server} does not reach its kubelet (logs, exec and metrics fail): {words}; check port "
            "10250 there, and the ClusterRoleBinding hardway:kubelet-api"
        )

    return list(filter(None, map_concurrently(problem, list(enumerate(nodes))))) if servers else []
