# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods and volumes of one node: queries, evictions and deletions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import (
    Api,
    ApiError,
    is_transient,
    query,
    retried,
)

Object = Mapping[str, Any]
NODES = "/api/v1/nodes"
_PODS = "/api/v1/pods"
_ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
# Seconds to wait for the statistics of a kubelet, which may be dead.
_PATIENCE = 3


class Everything:
    """Nodes and pods of the cluster, read once for the plans of many drains."""

    def __init__(self, nodes: Sequence[dict[str, Any]], pods: Iterable[dict[str, Any]]) -> None:
        """Sort the pods by their nodes."""
        self.nodes = nodes
        self.pods: dict[str, list[dict[str, Any]]] = {}
        for pod in pods:
            self.pods.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)

    @classmethod
    def read(cls, params: dict[str, Any]) -> Everything:
        """Read them by the module parameters of ARGUMENTS."""
        api = Api.of(params)
        return cls(retried(lambda: api.items(NODES)), retried(lambda: api.items(_PODS)))


class NodePods:
    """What a drain asks the API about one node."""

    def __init__(self, api: Api, node: str, grace_period: int) -> None:
        """Remember them; a negative grace period is that of each pod."""
        self.api, self.node, self.grace_period = api, node, grace_period

    def all(self) -> list[dict[str, Any]]:
        """Return the pods of the node."""
        return self.api.items(_PODS, fieldSelector=f"spec.nodeName={self.node}")

    def node_of(self) -> Optional[dict[str, Any]]:
        """Return the node; None if there is none."""
        return self.api.find(f"{NODES}/{self.node}")

    def other_nodes(self) -> list[dict[str, Any]]:
        """Return the other nodes of the cluster."""
        return [node for node in self.nodes() if node["metadata"]["name"] != self.node]

    def nodes(self) -> Sequence[dict[str, Any]]:
        """Return all nodes of the cluster."""
        return self.api.items(NODES)

    def evict(self, pod: Object, *, dry_run: bool = False) -> Union[bool, drain.Refusal]:
        """Evict a pod; return whether that was done (False: it is gone), or why it is refused."""
        metadata = {key: pod["metadata"][key] for key in ("namespace", "name")}
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": metadata,
            "deleteOptions": self._options(pod),
        }
        path = f"{_path(pod)}/eviction"
        try:
            # In the query, not in the body: only there webhooks see it too.
            self.api.post(query(path, dryRun="All") if dry_run else path, body)
        except ApiError as exc:
            if drain.is_gone(exc.status, exc.details):
                return False
            refused = drain.refusal(pod, exc.status, str(exc), exc.details)
            if refused is None:
                raise
            return refused
        return True

    def try_eviction(self, pod: Object) -> Optional[drain.Refusal]:
        """Return why an eviction would be refused now; None if it would not be."""
        try:
            answer = retried(lambda: self.evict(pod, dry_run=True))
        except ApiError as exc:
            if "does not support dry run" in str(exc):
                return None
            if is_transient(exc) and exc.status != 429:
                raise
            # Such as a webhook that moves the workload itself.
            return drain.Refusal("", str(exc))
        return answer if isinstance(answer, drain.Refusal) else None

    def budget(self, name: str) -> Optional[dict[str, Any]]:
        """Return a PodDisruptionBudget by namespace and name."""
        namespace, _slash, own = name.partition("/")
        return self.api.find(f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{own}") if own else None

    def delete(self, pod: Object) -> bool:
        """Delete a pod whatever budgets say; return whether it was there."""
        try:
            return self.api.delete(_path(pod), {"apiVersion": "v1", "kind": "DeleteOptions", **self._options(pod)})
        except ApiError as exc:
            if drain.is_gone(exc.status, exc.details):
                return False
            raise

    def _options(self, pod: Object) -> dict[str, Any]:
        # A pod of the same name may run on another node by now.
        options: dict[str, Any] = {"preconditions": {"uid": pod["metadata"]["uid"]}}
        return options if self.grace_period < 0 else {**options, "gracePeriodSeconds": self.grace_period}

    def used_bytes(self) -> dict[tuple[str, str], int]:
        """Return the bytes in the volumes of the node; empty if its kubelet does not answer at once."""
        url = f"{self.api.server()}{NODES}/{self.node}/proxy/stats/summary"
        try:
            answer = request(url, tls=self.api.tls, timeout=_PATIENCE)
            return drain.used_bytes(answer.json()) if answer.status == 200 else {}
        except (HardwayError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def running_elsewhere(self) -> list[dict[str, Any]]:
        """Return the unfinished pods of the cluster, except those of the node."""
        selector = f"status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!={self.node}"
        return self.api.items(_PODS, fieldSelector=selector)

    def volumes_of(self, pods: Iterable[Object]) -> list[str]:
        """Return the names of the persistent volumes of those pods that stay when the node is drained."""
        found = (
            self.api.find(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
            for namespace, name in sorted(drain.claims(pods))
        )
        return [claim["spec"]["volumeName"] for claim in found if claim and claim["spec"].get("volumeName")]

    def attachments(self, kept: Iterable[str]) -> list[str]:
        """Return the VolumeAttachments of the node, except those of persistent volumes that stay in use."""
        return drain.attached(self.api.items(_ATTACHMENTS), self.node, kept)


class KnownNodePods(NodePods):
    """The same about one node of those that were read together."""

    def __init__(self, api: Api, node: str, everything: Everything) -> None:
        """Remember them; pods end as they specify."""
        super().__init__(api, node, -1)
        self.everything = everything

    def all(self) -> list[dict[str, Any]]:
        """Return the pods of the node."""
        return self.everything.pods.get(self.node, [])

    def node_of(self) -> Optional[dict[str, Any]]:
        """Return the node; None if there is none."""
        return next((node for node in self.nodes() if node["metadata"]["name"] == self.node), None)

    def nodes(self) -> Sequence[dict[str, Any]]:
        """Return all nodes of the cluster."""
        return self.everything.nodes

    def running_elsewhere(self) -> list[dict[str, Any]]:
        """Return the unfinished pods of the cluster, except those of the node."""
        return [
            pod
            for node, pods in self.everything.pods.items()
            if node != self.node
            for pod in pods
            if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]


def _path(pod: Object) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
