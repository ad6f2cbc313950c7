# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with workloads, Services and extensions of the API, from their objects; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

Object = Mapping[str, Any]


def deployment_problem(name: str, found: Optional[Object], pods: Sequence[Object]) -> str:
    """Return why a Deployment does not have all its replicas available; empty where it has."""
    if found is None:
        return f"deployment {name}: there is none; run site.yml again"
    wanted = int((found.get("spec") or {}).get("replicas", 1))
    available = int((found.get("status") or {}).get("availableReplicas") or 0)
    if wanted == 0:
        return f"deployment {name}: scaled to 0 replicas; run site.yml again"
    if available >= wanted:
        return ""
    reasons = "; ".join(dict.fromkeys(reason for pod in pods if (reason := pod_reason(pod))))
    return (
        f"deployment {name}: {available} of {wanted} replicas are available: {reasons or 'its pods have not started'}"
    )


def pod_reason(pod: Object) -> str:
    """Return why a pod does not serve, with what its container said last; empty where it serves."""
    status = pod.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    name = pod["metadata"]["name"]
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        ended = (container.get("lastState") or {}).get("terminated") or {}
        words = [waiting.get("reason"), waiting.get("message"), ended.get("message"), ended and exit_of(ended)]
        if any(words):
            return f"pod {name}: {', '.join(str(word).strip() for word in words if word)} (kubectl logs shows more)"
    unscheduled = conditions.get("PodScheduled", {})
    if unscheduled.get("status") == "False":
        return f"pod {name}: {unscheduled.get('message') or unscheduled.get('reason')}"
    return f"pod {name}: {status.get('phase', 'unknown')}, not ready"


def exit_of(ended: Object) -> str:
    """Return how a container ended."""
    return f"it exited with {ended.get('exitCode')}"


def service_problem(name: str, address: str, found: Optional[Object], slices: Sequence[Object]) -> str:
    """Return why a Service does not lead to anything; empty where it does."""
    if found is None:
        return f"service {name}: there is none; run site.yml again"
    given = (found.get("spec") or {}).get("clusterIP", "")
    if given != address:
        return f"service {name}: its address is {given}, and pods ask {address}; delete it and run site.yml again"
    if not has_endpoint(slices):
        return f"service {name}: no endpoint is ready; check the pods behind it and kube-controller-manager"
    return ""


def has_endpoint(slices: Sequence[Object]) -> bool:
    """Return whether a ready endpoint is in one of the EndpointSlices of a Service."""
    return any(
        (endpoint.get("conditions") or {}).get("ready", True) is not False
        for piece in slices
        for endpoint in piece.get("endpoints") or []
    )


def api_service_problems(items: Sequence[Object]) -> list[str]:
    """Return the aggregated APIs that are not available: the removal of any namespace waits for them."""
    found = []
    for item in items:
        conditions = {c["type"]: c for c in (item.get("status") or {}).get("conditions") or []}
        available = conditions.get("Available") or {}
        if available.get("status") == "False":
            name = item["metadata"]["name"]
            found.append(
                f"APIService {name}: not available: {available.get('message', '')}; repair its server or delete it"
            )
    return found


def required_services(configurations: Sequence[Object]) -> dict[tuple[str, str], list[str]]:
    """Return the Services without which requests fail, each with the webhooks that send requests to it."""
    found: dict[tuple[str, str], list[str]] = {}
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or []:
            service = (webhook.get("clientConfig") or {}).get("service")
            if service and webhook.get("failurePolicy", "Fail") == "Fail":
                found.setdefault((service["namespace"], service["name"]), []).append(webhook["name"])
    return found


def webhook_problem(namespace: str, service: str, webhooks: Sequence[str], slices: Sequence[Object]) -> str:
    """Return which webhooks refuse requests because nothing serves them; empty where something does."""
    if has_endpoint(slices):
        return ""
    return (
        f"webhook {', '.join(webhooks)}: nothing is ready behind service {namespace}/{service}, so requests fail; "
        "repair it, or delete the webhook configuration"
    )
