#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module node_removal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_removal
short_description: Remove a node from the cluster
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Deletes a Node whose kubelet has stopped. Drain it first with
    M(hardway.kubernetes.node_drain), and stop its kubelet.
  - A lost node cannot be drained. It gets the taint
    C(node.kubernetes.io/out-of-service), by which the controllers delete its
    pods and detach its volumes, so that other nodes can have them.
  - A node that is still in use is refused.
  - A node that does not exist is no change.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The node disappears as a whole.
options:
  node:
    description: Name of the node.
    type: str
    required: true
  lost:
    description: The host is off for good. If it still ran, its pods would run
      twice, and two hosts would write to one volume.
    type: bool
    default: false
  timeout:
    description: Seconds to wait until the kubelet has stopped to report, and
      for pods and volumes of a lost node to be gone.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Remove a node whose host is off for good
  hardway.kubernetes.node_removal:
    servers: [https://192.0.2.11:6443]
    node: k4
    lost: true
"""

RETURN = r"""
found:
  description: Whether the node existed.
  returned: always
  type: bool
pods:
  description: Pods that are deleted with the node, as C(namespace/name). After
    a drain, those of DaemonSets and static ones.
  returned: always
  type: list
  elements: str
  sample: [kube-system/logs-x7k2p]
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import drain, leases, node_removal
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, retried
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.eviction import NODES, NodePods

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "node": {"type": "str", "required": True},
    "lost": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 180},
}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Removal:
    """A node that is removed."""

    def __init__(self, params: dict[str, Any]) -> None:
        """Take the module's options."""
        self.api, self.name, self.timeout = Api.of(params), params["node"], params["timeout"]
        self.path, self.pods = f"{NODES}/{self.name}", NodePods(self.api, self.name, -1)

    def require_stopped(self, timeout: float) -> None:
        """Wait until the kubelet has not renewed its lease for longer than it ever waits."""

        def reported() -> float | None:
            lease = self.api.find(f"{LEASES}/{self.name}")
            return leases.age(lease, leases.server_time(self.api.date))

        stopped, age = wait_until(reported, node_removal.is_silent, timeout=timeout)
        if not stopped:
            raise HardwayError(
                f"node {self.name}: its kubelet reported {age:.0f} s ago, so it may still run; stop it, or switch "
                f"the host off for good, and run again after {node_removal.UNRESPONSIVE:.0f} s without a report"
            )

    def free(self) -> None:
        """Let the controllers delete the pods of a lost node and detach its volumes, and wait for it."""
        retried(self.declare_out_of_service)
        gone, left_over = wait_until(self.remaining, lambda names: not names, timeout=self.timeout)
        if not gone:
            raise HardwayError(
                f"node {self.name}: still has {', '.join(left_over)} after {self.timeout} s; check "
                "kube-controller-manager and the drivers of the volumes, and run again"
            )

    def declare_out_of_service(self) -> None:
        """Set the taint, unless the node has it."""
        patch = node_removal.out_of_service(self.api.get(self.path))
        if patch:
            self.api.patch(self.path, patch)

    def remaining(self) -> list[str]:
        """Return what must be gone before a lost node is deleted: its pods and attached volumes."""
        attached = [f"VolumeAttachment {name}" for name in self.pods.attachments(())]
        return [f"pod {name}" for name in drained(self.pods.all())] + attached

    def delete(self, uid: str) -> None:
        """Delete the Node, unless another one of this name has come."""
        self.api.delete(self.path, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}})


def drained(pods: list[dict[str, Any]]) -> list[str]:
    """Return the names of the pods that a drain removes."""
    return [drain.full_name(pod) for pod in drain.of_fate(pods, "evict", "lost", "leaving")]


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    removal = Removal(params)
    node = removal.api.find(removal.path)
    if node is None:
        return {"changed": False, "found": False, "pods": []}
    pods = removal.pods.all()
    if params["lost"]:
        # Nothing will stop it while this waits.
        removal.require_stopped(0)
    # In check mode, a drain before this may only have been predicted.
    elif not check and (used := drained(pods)):
        raise HardwayError(f"node {removal.name}: still runs {', '.join(used[:5])}; drain it first")
    if not check:
        if params["lost"]:
            removal.free()
        else:
            removal.require_stopped(params["timeout"])
        removal.delete(node["metadata"]["uid"])
    return {"changed": True, "found": True, "pods": sorted(map(drain.full_name, pods))}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
