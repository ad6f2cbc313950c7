#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health-checks all parts of a cluster and reports every problem."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_info
short_description: Health-check all parts of a cluster and report every problem
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Inspects API servers, leader elections, nodes, etcd, workloads and API extensions, and returns all problems.
  - Only what the options name is inspected. Problems never fail the module, so a play can collect those of all hosts.
requirements:
  - cryptography >= 3.4 (for O(etcd))
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.api
attributes:
  check_mode:
    support: full
    details: Inspects once and does not wait.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  servers:
    description:
      - URLs of the API servers, each with the server's own address. Each must be ready, and must reject anonymous
        requests except to the health paths. The first ready one is queried for leases and nodes.
    type: list
    elements: str
    required: false
    default: []
  endpoint:
    description: URL by which clients reach the API, for example that of the virtual IP. Checked like O(servers).
    type: str
  nodes:
    description: Names of the nodes that must be registered and ready. When empty, nodes are only reported.
    type: list
    elements: str
    default: []
  left_out:
    description: Those of O(nodes) that may be missing or not ready.
    type: list
    elements: str
    default: []
  awaits_network:
    description:
      - Whether another program installs the pod network. Nodes that are not ready because they have none yet are no
        problem; see RV(awaiting).
      - O(deployments) and O(services) are checked once there is no such node.
    type: bool
    default: false
  leases:
    description: Components whose leader election lease in C(kube-system) must be held and renewed.
    type: list
    elements: str
    default: [kube-controller-manager, kube-scheduler]
  etcd:
    description:
      - How to reach etcd. It must be healthy, and must reject plaintext, clients without certificate and clients with a
        certificate of a foreign CA.
    type: dict
    suboptions:
      endpoints:
        description: Client URLs of all members.
        type: list
        elements: str
        required: true
      ca:
        description: CA of the members.
        type: path
        required: true
      cert:
        description: Client certificate.
        type: path
        required: true
      key:
        description: Private key of the client certificate.
        type: path
        required: true
      expected_members:
        description: Names that the member list must consist of.
        type: list
        elements: str
        default: []
  deployments:
    description: Deployments, as C(namespace/name), that must have all replicas available.
    type: list
    elements: str
    default: []
  services:
    description: Services, as C(namespace/name), and the cluster IP each must have, with at least one ready endpoint.
    type: dict
    default: {}
  objects:
    description: API paths of objects that must exist.
    type: list
    elements: str
    default: []
  kubelets:
    description: Whether each kubelet must answer through an API server, as C(kubectl logs) and C(exec) need.
    type: bool
    default: false
  kubelet_nodes:
    description: Names of the nodes whose kubelets are queried. When empty, all that are ready.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait until there is no problem. V(0) inspects once.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Health-check the whole cluster
  hardway.kubernetes.cluster_info:
    servers: ["https://192.0.2.11:6443"]
    endpoint: https://192.0.2.10:6443
    nodes: [node1]
    etcd:
      endpoints: ["https://192.0.2.11:2379"]
      ca: /etc/kubernetes/pki/etcd/ca.crt
      cert: /etc/kubernetes/pki/apiserver-etcd-client.crt
      key: /etc/kubernetes/pki/apiserver-etcd-client.key
"""

RETURN = r"""
problems:
  description: All problems, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["lease kube-scheduler: last renewed 31 s ago; check kube-scheduler on the masters"]
healthy:
  description: Whether there are no problems.
  returned: always
  type: bool
  sample: true
masters:
  description: The API servers, followed by O(endpoint) if set.
  returned: always
  type: list
  elements: dict
  sample: [{url: "https://192.0.2.11:6443", ready: true, anonymous: 401, detail: "", error: ""}]
leases:
  description: Holder of each lease, and seconds since it was renewed.
  returned: always
  type: list
  elements: dict
  sample: [{name: kube-scheduler, holder: master1_5e6c, age: 1.2, held: true}]
nodes:
  description: The registered nodes.
  returned: always
  type: list
  elements: dict
  sample: [{name: node1, ready: true, reason: "", version: v1.36.2, addresses: [192.0.2.21], unschedulable: false}]
awaiting:
  description: Nodes that are not ready because they have no pod network yet, with O(awaits_network).
  returned: always
  type: list
  elements: str
  sample: []
etcd:
  description: State of etcd as returned by M(hardway.kubernetes.etcd_health), and C(refusals).
  returned: when O(etcd) is given
  type: dict
  sample: {leader: master1, alarms: [], refusals: []}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_probe
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_problems as state
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS as ETCD_ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api

SPEC = {
    **ARGUMENTS,
    "servers": {"type": "list", "elements": "str", "default": []},
    "endpoint": {"type": "str"},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "left_out": {"type": "list", "elements": "str", "default": []},
    "awaits_network": {"type": "bool", "default": False},
    "leases": {"type": "list", "elements": "str", "default": ["kube-controller-manager", "kube-scheduler"]},
    "etcd": {
        "type": "dict",
        "options": {**ETCD_ARGUMENTS, "expected_members": {"type": "list", "elements": "str", "default": []}},
    },
    "deployments": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "dict", "default": {}},
    "objects": {"type": "list", "elements": "str", "default": []},
    "kubelets": {"type": "bool", "default": False},
    "kubelet_nodes": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 0},
}


class ClusterInspector:
    """Inspects the cluster, repeatedly if needed, with one set of clients."""

    def __init__(self, params: dict[str, Any]) -> None:
        """Create the clients."""
        self.params = params
        urls = [url.rstrip("/") for url in [*params["servers"], params["endpoint"]] if url]
        self.urls = list(dict.fromkeys(urls))
        self.api = Api.of({**params, "servers": self.urls})
        self.etcd = cluster_probe.EtcdProbe(params["etcd"]) if params["etcd"] else None

    def inspect(self) -> dict[str, Any]:
        """Return the state with all its problems."""
        seen: dict[str, Any] = {"masters": [], "leases": [], "nodes": [], "awaiting": [], "problems": []}
        if self.urls:
            self._inspect_api(seen)
        if self.etcd:
            seen["etcd"] = self.etcd.health()
            seen["etcd"]["refusals"] = self.etcd.refusals()
            seen["problems"] += seen["etcd"]["problems"] + state.etcd_refusal_problems(seen["etcd"]["refusals"])
        return seen

    def _inspect_api(self, seen: dict[str, Any]) -> None:
        """Add masters, leases and nodes."""
        seen["masters"] = cluster_probe.inspect_masters(self.urls, self.api.tls)
        seen["problems"] += state.master_problems(seen["masters"])
        try:
            seen["leases"] = cluster_probe.inspect_leases(self.api, self.params["leases"])
            seen["nodes"] = cluster_probe.inspect_nodes(self.api)
            if self.params["awaits_network"]:
                seen["awaiting"] = [node["name"] for node in seen["nodes"] if node["awaits_network"]]
            seen["problems"] += self._object_problems(seen)
        except HardwayError as exc:
            seen["problems"].append(str(exc))
        else:
            seen["problems"] += state.lease_problems(seen["leases"])
            seen["problems"] += state.node_problems(
                seen["nodes"], self.params["nodes"], self.params["left_out"], seen["awaiting"]
            )

    def _object_problems(self, seen: dict[str, Any]) -> list[str]:
        """Return the problems of workloads, API extensions and of connections from API servers to kubelets."""
        found = cluster_probe.missing_objects(self.api, self.params["objects"])
        if not seen["awaiting"]:
            found += cluster_probe.workload_problems(self.api, self.params["deployments"], self.params["services"])
        found += cluster_probe.extension_problems(self.api)
        if self.params["kubelets"]:
            ready = [node["name"] for node in seen["nodes"] if node["ready"] or node["name"] in seen["awaiting"]]
            ready = [name for name in ready if not (chosen := self.params["kubelet_nodes"]) or name in chosen]
            serving = [master["url"] for master in seen["masters"] if master["ready"]]
            found += cluster_probe.kubelet_problems(serving, self.api.tls, ready)
        return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    timeout = 0 if module.check_mode else module.params["timeout"]
    try:
        inspect = ClusterInspector(module.params).inspect
        healthy, seen = wait_until(inspect, lambda s: not s["problems"], timeout=timeout)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, healthy=healthy, **seen)


if __name__ == "__main__":
    main()
