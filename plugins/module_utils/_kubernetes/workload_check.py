# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary workload to test a cluster's network: objects, probes and their evaluation. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready

NAME = "probe"
PORT = 8080
# Each pod asks so many of the others, in a ring: every pod is asked, and large clusters cost no square of requests.
NEIGHBOURS = 3

SERVE = f'echo "$NODE" > /www/index.html && exec busybox httpd -f -p {PORT} -h /www'
# One line per target: its name, a tab, what it answered; nothing after the tab when it did not.
ASK = """
for target in "$@"; do (
  kind=${target%%=*}; what=${target#*=}
  if [ "${kind#dns}" != "$kind" ]; then answer=$(busybox nslookup "$what" 2>/dev/null | tr '\\n' ' ')
  else answer=$(busybox wget -q -T 3 -O - "$what" 2>/dev/null); fi
  printf '%s\\t%s\\n' "$kind" "$answer"
) & done
wait
"""


def namespace(name: str) -> dict[str, Any]:
    """Return the namespace, with the Pod Security level that the probes keep."""
    labels = {"app.kubernetes.io/managed-by": "hardway", "pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def daemon_set(image: str, *, serves: bool = True, nodes: Sequence[str] = ()) -> dict[str, Any]:
    """Return one pod per node, or on these nodes only, whatever their taints, without any privilege.

    It is a small web server, for which the image needs busybox; or it only runs, as the image itself says.
    """
    server = {
        "command": ["sh", "-c", SERVE],
        "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
    }
    container = {
        "name": "httpd" if serves else "pause",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        **(server if serves else {}),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "www", "mountPath": "/www"}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534},
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "www", "emptyDir": {}}],
        "containers": [container],
    }
    if nodes:
        terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]} for name in nodes]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {"nodeAffinity": required}
    labels = {"app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NAME},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def service() -> dict[str, Any]:
    """Return the service before the web servers, reachable at every node."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"type": "NodePort", "selector": {"app": NAME}, "ports": [{"port": PORT, "targetPort": PORT}]},
    }


def pods_of(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return node, name, address and readiness of each pod, by node name; why it is not ready where it is not."""
    pods = []
    for item in items:
        status = item.get("status") or {}
        waiting = [
            (container.get("state") or {}).get("waiting") or {} for container in status.get("containerStatuses") or []
        ]
        reasons = [f"{w.get('reason', '')} {w.get('message', '')}".strip() for w in waiting if w]
        pods.append(
            {
                "name": item["metadata"]["name"],
                "node": (item.get("spec") or {}).get("nodeName", ""),
                "ip": status.get("podIP", ""),
                "host_ip": status.get("hostIP", ""),
                "ready": is_ready(item) and bool(status.get("podIP")),
                "reason": "" if is_ready(item) else "; ".join(reasons) or status.get("phase", "unknown"),
            }
        )
    return sorted(pods, key=lambda pod: pod["node"])


def unready(pods: Sequence[Mapping[str, Any]], nodes: Sequence[str]) -> list[str]:
    """Return the nodes whose pod is missing or does not serve, and why."""
    present = {pod["node"] for pod in pods}
    found = [
        f"pod on {node}: none was scheduled; check kube-controller-manager and kube-scheduler"
        for node in nodes
        if node not in present
    ]
    return found + [f"pod on {pod['node']}: not ready: {pod['reason']}" for pod in pods if not pod["ready"]]


def creation_failures(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why pods are not created, such as a quota or a webhook, from the last warning about the DaemonSet."""
    warnings = [event for event in events if event.get("type") == "Warning" and event.get("message")]
    # Each attempt repeats the event; attempts of one kind are one event with the time of the last one.
    last = max(warnings, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)
    return [f"pods: not created: {last['message']}"] if last else []


def url(host: str, port: int = PORT) -> str:
    """Return the URL of a web server."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def targets(
    pods: Sequence[Mapping[str, Any]], index: int, *, address: str, dns: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return what the pod at ``index`` asks: name → (what to ask, what the answer must contain)."""
    ring = [pods[(index + step) % len(pods)] for step in range(1, min(NEIGHBOURS, len(pods) - 1) + 1)]
    asked = {f"pod on {pod['node']}": (url(pod["ip"]), pod["node"]) for pod in ring}
    # Any pod may answer for the service: a node's name is all that can be expected of it.
    asked["service address"] = (url(address), "")
    asked.update({f"dns {name}": (name, wanted) for name, wanted in dns.items()})
    return asked


def suspects(node: str, unanswered: Sequence[str]) -> list[str]:
    """Return the nodes of which one is to blame for targets that did not answer a pod."""
    others = [name[len("pod on ") :] for name in unanswered if name.startswith("pod on ")]
    return [node, *others] if unanswered else []


def wrong(output: str, asked: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the names of targets that did not answer, or answered something else."""
    answers = dict(line.split("\t", 1) for line in output.splitlines() if "\t" in line)
    return [
        name
        for name, (_what, wanted) in asked.items()
        if not answers.get(name, "").strip() or wanted not in answers.get(name, "")
    ]
