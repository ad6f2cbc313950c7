# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-scheduler: holds its lease and binds pods to the first node that is ready and wants them."""

from __future__ import annotations

from typing import Any

from .core import configuration
from .core.client import Connection, from_kubeconfig
from .core.flags import Refusal
from .core.leases import Election, serve, times
from .core.program import Program
from .core.server import log, stopping
from .core.values import seconds


def tolerated(pod: dict[str, Any], node: dict[str, Any]) -> bool:
    """Say whether a pod bears a node's taints."""
    borne = {one.get("key") for one in (pod.get("spec") or {}).get("tolerations") or []}
    return None in borne or all(taint["key"] in borne for taint in (node.get("spec") or {}).get("taints") or [])


def ready(node: dict[str, Any]) -> bool:
    """Say whether a node can take pods."""
    conditions = {c["type"]: c["status"] for c in (node.get("status") or {}).get("conditions") or []}
    return conditions.get("Ready") == "True" and not (node.get("spec") or {}).get("unschedulable")


def bind(api: Connection) -> None:
    """Give every waiting pod a node."""
    waiting = [p for p in api.send("GET", "/api/v1/pods")["items"] if not p["spec"].get("nodeName")]
    if not waiting:
        return
    nodes = [node for node in api.send("GET", "/api/v1/nodes")["items"] if ready(node)]
    for pod in waiting:
        found = next((node for node in nodes if tolerated(pod, node)), None)
        if found:
            name, place = pod["metadata"]["name"], pod["metadata"]["namespace"]
            aim = {"kind": "Node", "name": found["metadata"]["name"]}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": aim}
            api.send("POST", f"/api/v1/namespaces/{place}/pods/{name}/binding", body)


def election_of(program: Program, content: dict[str, Any]) -> tuple[float, float, float]:
    """Return the times that the configuration file gives, checked as the real scheduler does."""
    section = content.get("leaderElection") or {}
    names = ("leaseDuration", "renewDeadline", "retryPeriod")
    given = zip(names, (15.0, 10.0, 2.0) if content else times(program))
    duration, deadline, pause = (seconds(section[n]) if n in section else default for n, default in given)
    if duration <= deadline:
        reason = f"Invalid value: {deadline}: LeaseDuration must be greater than RenewDeadline"
        raise Refusal(f"leaderElection.leaseDuration: {reason}")
    return duration, deadline, pause


def main(program: Program) -> int:
    """Hold the lease and bind until the stop signal."""
    stop = stopping()
    content: dict[str, Any] = {}
    if path := program.get("config"):
        versions = ("kubescheduler.config.k8s.io/v1",)
        content = configuration.read(path, "KubeSchedulerConfiguration", program.fields, versions=versions)
    elected = election_of(program, content)
    kubeconfig = (content.get("clientConnection") or {}).get("kubeconfig") or program.get("kubeconfig", "")
    api = from_kubeconfig(kubeconfig, "kube-scheduler")
    serve(program, 10259)
    log("I", f"REHEARSAL stand-in of kube-scheduler {program.version}")
    return Election(api, "kube-scheduler", elected).lead(stop, lambda: bind(api))
