# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the state of API servers, etcd and the objects of the cluster, all at once. Read-only."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems as states
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import (
    lock,
    lock_places,
    record,
    upgrade_state,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.running import coredns_version
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import members as etcd_members
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases as kubernetes_leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import refusal

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
LEADERS = ("kube-controller-manager", "kube-scheduler")
# Which playbook changes the cluster at the moment, and what the last one has recorded.
OPERATION = f"{lock.PATH}/{lock.NAME}"
RECORD = f"{record.PATH}/{record.NAME}"
COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
NODES = "/api/v1/nodes"
REASONS = {
    "refused": "refuses connections",
    "timeout": "does not answer",
    "reset": "closes connections",
    "name": "its name cannot be resolved",
}
QUOTA = re.compile(r"^etcd_server_quota_backend_bytes (\S+)$", re.MULTILINE)


def gather(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of what the parameters name; what does not answer is part of it."""
    parts: list[Callable[[], dict[str, Any]]] = [lambda: api_state(params)]
    if params["etcd"]:
        parts.append(lambda: {"etcd": EtcdState(params["etcd"], params["timeout"]).gather()})
    found: dict[str, Any] = {}
    for part in map_concurrently(lambda part: part(), parts):
        found.update(part)
    healthy = [member["endpoint"] for member in found.get("etcd", {}).get("members", []) if member["healthy"]]
    if "operation" not in found and healthy:
        with suppress(HardwayError):
            found["operation"] = operation_in_etcd({**params["etcd"], "endpoints": healthy})
    return found


def operation_in_etcd(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return who holds the cluster's lock, as etcd has it while no API server is ready."""
    place = lock_places.InEtcd({"etcdctl": ARGUMENTS["etcdctl"]["default"], **params})
    lease, now = place.read()
    return operation_of(lease, now) if lease else {}


def reason(exc: HttpError) -> str:
    """Return why there was no answer, in a few words."""
    said = getattr(exc.__cause__, "strerror", None)
    return REASONS.get(exc.kind) or (said.lower() if said and exc.kind == "io" else str(exc).partition("; ")[0])


def api_state(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the API servers, and the objects as the first ready one knows them."""
    tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
    endpoint = (params["endpoint"] or "").rstrip("/")
    servers = [url.rstrip("/") for url in params["servers"]]
    urls = list(dict.fromkeys(url for url in [*servers, endpoint] if url))
    seen = dict(zip(urls, map_concurrently(lambda url: server_state(url, tls, params["timeout"]), urls)))
    found: dict[str, Any] = {"servers": [seen[url] for url in servers], "endpoint": seen.get(endpoint, {})}
    ready = [url for url in urls if seen[url]["ready"]]
    found["api_error"] = "" if ready or not urls else "no API server is ready"
    if ready:
        try:
            found.update(objects(ready[0], tls, params["timeout"]))
        except HttpError as exc:
            found["api_error"] = f"{ready[0]} {reason(exc)}"
        except (HardwayError, ValueError) as exc:
            found["api_error"] = str(exc)
    return found


def server_state(url: str, tls: Tls, timeout: float) -> dict[str, Any]:
    """Return whether an API server is ready, its version, and the minor that it emulates, if another one."""
    seen: dict[str, Any] = {"url": url, "ready": False, "version": "", "emulates": "", "reason": ""}

    def ask(path: str) -> Response:
        return request(url + path, tls=tls, timeout=timeout, headers={"Accept": "application/json"})

    try:
        readiness, answer = map_concurrently(ask, ["/readyz?verbose", "/version"])
        seen["ready"] = readiness.status == 200
        if not seen["ready"]:
            text = readiness.body.decode("utf-8", "replace")
            failed = [line[3:].split(" ")[0] for line in text.splitlines() if line.startswith("[-]")]
            seen["reason"] = f"not ready: {', '.join(failed) or f'status {readiness.status}'}"
        if answer.status == 200:
            seen["version"] = str(answer.json().get("gitVersion", "")).lstrip("v")
            seen["emulates"] = upgrade_state.emulated(answer.json())
    except HttpError as exc:
        seen.update(ready=False, reason=reason(exc))
    except ValueError:
        seen["reason"] = "answers /version with no JSON"
    return seen


def objects(server: str, tls: Tls, timeout: float) -> dict[str, Any]:
    """Return leaders, nodes, CSRs, the running operation and the cluster record. Nothing is tried twice."""
    dates: list[Optional[str]] = []

    def find(path: str) -> Optional[dict[str, Any]]:
        answer = request(server + path, tls=tls, timeout=timeout, headers={"Accept": "application/json"})
        dates.append(answer.headers.get("date"))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal("GET", path, answer)
        return dict(answer.json())

    paths = [*(LEASES + name for name in LEADERS), OPERATION, RECORD, COREDNS, CSRS, NODES]
    found = dict(zip(paths, map_concurrently(find, paths)))
    now = kubernetes_leases.server_time(dates[0])
    operation = found[OPERATION]
    return {
        "leaders": states.lease_states({name: found[LEASES + name] for name in LEADERS}, now),
        "operation": operation_of(operation, now) if operation else {},
        "record": record.parsed(found[RECORD]),
        "coredns": coredns_version(found[COREDNS] or {}),
        "pending_csrs": pending_csrs((found[CSRS] or {}).get("items") or [], now),
        "nodes": states.node_states((found[NODES] or {}).get("items") or []),
    }


def operation_of(lease: dict[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """Return who holds the cluster's lock, with which playbook, since when, at which task, and whether it lives."""
    found = lock.holder(lease, now)
    if found is None:
        return {}
    return {
        "holder": found.name,
        "playbook": found.operation,
        "since": found.since,
        "step": found.step,
        "age": found.renewed,
        "held": kubernetes_leases.held(lease, now),
    }


def pending_csrs(items: Sequence[Mapping[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    """Return the CSRs that no approver has decided."""
    found = []
    for item in items:
        conditions = {each.get("type") for each in (item.get("status") or {}).get("conditions") or []}
        if conditions & {"Approved", "Denied", "Failed"}:
            continue
        created = kubernetes_leases.moment(item["metadata"].get("creationTimestamp"))
        found.append(
            {
                "name": item["metadata"]["name"],
                "user": item["spec"].get("username", ""),
                "signer": item["spec"].get("signerName", ""),
                "age": (now - created).total_seconds() if created else 0.0,
            }
        )
    return found


class EtcdState:
    """Queries every member for health, status and metrics at once: without a quorum, only some of them answer."""

    def __init__(self, params: Mapping[str, Any], timeout: float, *, send: Callable[..., Response] = request) -> None:
        """Remember how to reach the members."""
        self.endpoints = list(dict.fromkeys(endpoint.rstrip("/") for endpoint in params["endpoints"]))
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.timeout, self._send = timeout, send

    def gather(self) -> dict[str, Any]:
        """Return members, leader and alarms."""
        questions = [(endpoint, kind) for endpoint in self.endpoints for kind in ("health", "status", "metrics")]
        answers = dict(zip(questions, map_concurrently(lambda question: self._ask(*question), questions, limit=48)))
        seen = [self._member(endpoint, answers) for endpoint in self.endpoints]
        speaking = sorted((one for one in seen if one["status"]), key=lambda one: not one["healthy"])
        listed: dict[str, Any] = {"members": [], "alarms": [], "errors": []}
        for one in speaking:
            listed = self._listed(one["endpoint"])
            if not listed["errors"]:
                break
        state = etcd_members.assemble(seen, listed)
        quotas = {one["endpoint"]: one["quota"] for one in seen}
        for member in state["members"]:
            member["quota"] = quotas.get(member["endpoint"], 0)
        return {name: state[name] for name in ("members", "leaders", "leader", "alarms", "listed", "errors")}

    def _member(self, endpoint: str, answers: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
        """Return one member as assemble expects it, with its quota."""
        health, status, metrics = (answers[endpoint, kind] for kind in ("health", "status", "metrics"))
        text = "" if isinstance(metrics, HttpError) else metrics.body.decode("utf-8", "replace")
        quota = QUOTA.search(text)
        if isinstance(health, HttpError):
            healthy, error = False, reason(health)
        else:
            healthy = health.status == 200
            error = "" if healthy else _health_reason(health)
        found: dict[str, Any] = {}
        if isinstance(status, Response) and status.status == 200:
            found = etcd_members.status_of_gateway(status.json())
        elif text:
            # Authentication of etcd closes the gateway for certificates.
            found = etcd_members.status_of_metrics(text)
        if found and not healthy and isinstance(health, HttpError):
            error = "has no leader" if found["leader"] == "0" else "reaches no quorum"
        return {
            "endpoint": endpoint,
            "healthy": healthy,
            "error": error,
            "status": found,
            "quota": int(float(quota[1])) if quota else 0,
        }

    def _ask(self, endpoint: str, kind: str) -> Any:
        """Return the answer, or the error."""
        try:
            if kind == "status":
                return self._post(endpoint, "/v3/maintenance/status", b"{}")
            return self._send(f"{endpoint}/{kind}", tls=self.tls, timeout=self.timeout)
        except HttpError as exc:
            return exc

    def _post(self, endpoint: str, path: str, body: bytes) -> Response:
        return self._send(endpoint + path, method="POST", body=body, tls=self.tls, timeout=self.timeout)

    def _listed(self, endpoint: str) -> dict[str, Any]:
        """Return member list and alarms as one member knows them, which needs no quorum."""
        found: dict[str, Any] = {"members": [], "alarms": [], "errors": []}
        calls = {
            "members": ("/v3/cluster/member/list", b"{}"),
            "alarms": ("/v3/maintenance/alarm", b'{"action": "GET"}'),
        }
        for name, (path, body) in calls.items():
            try:
                answer = self._post(endpoint, path, body)
                if answer.status != 200:
                    raise ValueError(f"{endpoint}{path}: status {answer.status}")
                found[name] = answer.json().get(name, [])
            except (HttpError, ValueError) as exc:
                found["errors"].append(str(exc))
        return found


def _health_reason(answer: Response) -> str:
    """Return why a member says that it is unhealthy."""
    text = answer.body.decode("utf-8", "replace").strip()[:200]
    try:
        said = str(json.loads(text).get("reason") or text)
    except (ValueError, AttributeError):
        said = text
    return "has no leader" if said == "RAFT NO LEADER" else said or f"status {answer.status}"
