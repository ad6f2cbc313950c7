# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes without hosts: a thread does for their pods what kubelets and the scheduler would do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api

NODES = "/api/v1/nodes"
CAPACITY = {"cpu": "4", "memory": "8Gi", "pods": "1000"}


def wait_for(truth: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Return what a function returns once that is true; fail if it stays false."""
    end = time.monotonic() + seconds
    while not (found := truth()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


class PlayedNodes:
    """Made-up nodes in one namespace's test, and the thread that plays their kubelets."""

    def __init__(self, api: Api, namespace: str) -> None:
        """Create the namespace; the thread runs until stop()."""
        self.api, self.namespace = api, namespace
        self.home = f"/api/v1/namespaces/{namespace}"
        self.names: list[str] = []
        # Nodes whose pods become ready, and nodes whose terminating pods go; all unless a test sets them.
        self.starting: set[str] | None = None
        self.stopping: set[str] | None = None
        # The fewest ready pods that were seen since a test set this to a large number.
        self.fewest = 0
        self._end = threading.Event()
        api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        wait_for(lambda: api.find(f"{self.home}/serviceaccounts/default"), "no default service account")
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def add(self, name: str, **settings: Any) -> None:
        """Create a node that is ready; settings are labels, taints and allocatable."""
        labels = {"kubernetes.io/hostname": name, **settings.get("labels", {})}
        self.api.post(NODES, {"metadata": {"name": name, "labels": labels}})
        capacity = {**CAPACITY, **settings.get("allocatable", {})}
        self._report(name, capacity=capacity, allocatable=capacity)
        self.names.append(name)

        def untainted() -> bool:
            found = self.node(name)
            self.api.patch(f"{NODES}/{name}", {"spec": {"taints": settings.get("taints")}})
            return not [t for t in found["spec"].get("taints") or [] if t["key"].startswith("node.kubernetes.io")]

        wait_for(untainted, f"{name} stays tainted")

    def node(self, name: str) -> dict[str, Any]:
        """Return a node."""
        return self.api.get(f"{NODES}/{name}")

    def pods(self, node: str = "") -> dict[str, dict[str, Any]]:
        """Return the pods of the namespace, or of one node, by name."""
        items = self.api.items(f"{self.home}/pods")
        return {i["metadata"]["name"]: i for i in items if not node or i["spec"].get("nodeName") == node}

    def ready(self, node: str = "") -> list[str]:
        """Return the names of the ready pods."""
        return [name for name, pod in self.pods(node).items() if _is_ready(pod) and not _is_terminating(pod)]

    def stop(self) -> None:
        """Remove everything, wait for that, and end the thread."""
        self.starting = self.stopping = None
        self.api.delete(self.home)
        wait_for(lambda: not self.api.find(self.home), "the namespace stays")
        self._end.set()
        self._thread.join()
        for name in self.names:
            self.api.delete(f"{NODES}/{name}")

    def _report(self, name: str, **status: Any) -> None:
        """Report that a node is ready."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now}
        body = {"status": {"conditions": [condition], **status}}
        self.api.patch(f"{NODES}/{name}/status", body, "application/strategic-merge-patch+json")

    def _play(self) -> None:
        due = 0.0
        while not self._end.wait(0.1):
            # What fails is tried again in the next round.
            with contextlib.suppress(HardwayError):
                if time.monotonic() > due:
                    for name in list(self.names):
                        self._report(name)
                    due = time.monotonic() + 5
                pods = list(self.pods().values())
                self.fewest = min(self.fewest, sum(_is_ready(pod) for pod in pods if not _is_terminating(pod)))
                map_concurrently(self._serve, pods, 4)

    def _serve(self, pod: dict[str, Any]) -> None:
        """Do what one pod needs: a node, to become ready, or to go."""
        path, node = f"{self.home}/pods/{pod['metadata']['name']}", pod["spec"].get("nodeName")
        with contextlib.suppress(HardwayError):
            if not node:
                if not (place := self._place(pod)):
                    return
                target = {"apiVersion": "v1", "kind": "Node", "name": place}
                self.api.post(f"{path}/binding", {"metadata": {"name": pod["metadata"]["name"]}, "target": target})
            elif _is_terminating(pod):
                if self.stopping is None or node in self.stopping:
                    options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
                    self.api.delete(path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
            elif not _is_ready(pod) and (self.starting is None or node in self.starting):
                condition = {"type": "Ready", "status": "True"}
                self.api.patch(f"{path}/status", {"status": {"phase": "Running", "conditions": [condition]}})

    def _place(self, pod: dict[str, Any]) -> str:
        """Return the node of a DaemonSet's pod, else the first that is schedulable, if there is one."""
        affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).values()
        for required in affinity:
            return str(required["nodeSelectorTerms"][0]["matchFields"][0]["values"][0])
        return next((name for name in self.names if not self.node(name)["spec"].get("unschedulable")), "")


def _is_terminating(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
