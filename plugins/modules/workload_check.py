#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests the network of a cluster with a temporary workload."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: workload_check
short_description: Test pods, services, node ports and DNS of a cluster
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Starts a web server on every node in a temporary namespace. Each pod queries pods on other hosts, the service IP and
    the cluster DNS. The host where the module runs queries the node port of every node.
  - Everything is removed before the module ends, also when it fails, and so are leftovers of an interrupted run. Only
    the empty namespace is terminating for about five seconds longer. Therefore it never reports a change.
  - Problems do not fail the module, so that a play can collect them first.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Starts nothing and reports no problem.
  diff_mode:
    support: none
    details: Nothing remains changed.
options:
  image:
    description: Image with C(sh) and C(busybox) (C(httpd), C(wget), C(nslookup)), imported on the nodes or pullable.
    type: str
    required: true
  test_network:
    description: Whether to test the network, with these programs. If not, only whether pods run on every node.
    type: bool
    default: true
  nodes:
    description: Names of the nodes to test; each must run a pod. When empty, all that the scheduler chooses.
    type: list
    elements: str
    default: []
  only:
    description: Whether pods are started on O(nodes) only, instead of on every node.
    type: bool
    default: false
  dns:
    description: Names to resolve in pods, and the address that each answer must contain.
    type: dict
    default: {}
  namespace:
    description: Name of the temporary namespace.
    type: str
    default: hardway-verify
  kubeconfig:
    description: Kubeconfig for C(kubectl exec).
    type: path
    default: /etc/kubernetes/admin.conf
  kubectl:
    description: Path of the C(kubectl) command.
    type: path
    default: /usr/local/bin/kubectl
  timeout:
    description: Seconds to wait until the pods are ready. Probes may take half of that in addition.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Test the network
  hardway.kubernetes.workload_check:
    servers: ["https://192.0.2.11:6443"]
    image: docker.io/library/busybox:1.37
    nodes: [node1, node2]
    dns:
      kubernetes.default.svc.cluster.local: 10.96.0.1
  register: workload
"""

RETURN = r"""
problems:
  description: All problems, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["from pod on node1: pod on node2 does not answer"]
pods:
  description: The tested pods.
  returned: always
  type: list
  elements: dict
  sample: [{name: probe-x2x4s, node: node1, ip: 10.244.0.5, host_ip: 192.0.2.21, ready: true, reason: ""}]
failed_nodes:
  description: Names of O(nodes) whose pod is not ready, or that take part in a failed probe.
  returned: always
  type: list
  elements: str
  sample: [node1]
probes:
  description: Number of probes in the last round.
  returned: always
  type: int
  sample: 14
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import workload_check
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import (
    ARGUMENTS,
    Api,
    ApiError,
    query,
    retried,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.kubectl import Kubectl

SPEC = {
    **ARGUMENTS,
    "image": {"type": "str", "required": True},
    "test_network": {"type": "bool", "default": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "only": {"type": "bool", "default": False},
    "dns": {"type": "dict", "default": {}},
    "namespace": {"type": "str", "default": "hardway-verify"},
    "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
    "kubectl": {"type": "path", "default": "/usr/local/bin/kubectl"},
    "timeout": {"type": "int", "default": 60},
}
# Seconds to wait for the removal of a namespace, and for kube-proxy before the probes.
REMOVAL = 60
SETTLING = 5


class Workload:
    """The temporary namespace, from creation to removal."""

    def __init__(self, params: dict[str, Any]) -> None:
        """Create the clients."""
        self.params = params
        self.api = Api.of(params)
        self.kubectl = Kubectl(params["kubectl"], params["kubeconfig"], patience=0)
        self.home = f"/api/v1/namespaces/{params['namespace']}"
        self.apps = f"/apis/apps/v1/namespaces/{params['namespace']}/daemonsets"
        self.pods: list[dict[str, Any]] = []
        self.probes = 0
        # Nodes that took part in a failed probe of the last round.
        self.suspects: set[str] = set()

    def check(self) -> list[str]:
        """Run the test and return all problems; always clean up."""
        self.remove(wait=True)
        try:
            service = self.create()
            _ready, unready = wait_until(self.unready_pods, lambda names: not names, timeout=self.params["timeout"])
            unready += self.creation_failures() if unready else []
            if not self.params["test_network"]:
                self.probes = len(self.pods)
                return unready
            ready = [pod for pod in self.pods if pod["ready"]]
            # Until kube-proxy has the service, node ports refuse at once, while the service IP times out after seconds.
            wait_until(lambda: self.probe_node_ports(ready, service), lambda names: not names, timeout=SETTLING)
            _answered, failed = wait_until(
                lambda: self.probe(ready, service), lambda names: not names, timeout=self.params["timeout"] // 2
            )
            return unready + failed + (self.dns_problems() if any(": dns " in problem for problem in failed) else [])
        finally:
            # The controller takes five seconds to remove a namespace; no need to wait for the empty one.
            self.remove(wait=False)

    def failed(self) -> list[str]:
        """Return the nodes that did not pass; all, if the test ended before its probes."""
        passed = {pod["node"] for pod in self.pods if pod["ready"]} - self.suspects if self.probes else set()
        return sorted({*self.params["nodes"], *(pod["node"] for pod in self.pods)} - passed)

    def create(self) -> dict[str, Any]:
        """Create namespace, web servers and service; return the service's spec."""
        self.made("/api/v1/namespaces", workload_check.namespace(self.params["namespace"]))
        nodes = self.params["nodes"] if self.params["only"] else []
        daemons = workload_check.daemon_set(self.params["image"], serves=self.params["test_network"], nodes=nodes)
        self.made(self.apps, daemons)
        return self.made(self.home + "/services", workload_check.service())["spec"]

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object, also while an etcd member or API server restarts; return it as the server stored it."""

        def attempt() -> dict[str, Any]:
            try:
                return self.api.post(path, body)
            except ApiError as exc:
                # By an attempt whose response was lost.
                if exc.status == 409 and (found := self.api.find(f"{path}/{body['metadata']['name']}")):
                    return found
                raise

        return retried(attempt)

    def unready_pods(self) -> list[str]:
        """Read the pods and return the unready ones."""
        self.pods = workload_check.pods_of(self.api.items(self.home + "/pods"))
        daemons = self.api.get(f"{self.apps}/{workload_check.NAME}").get("status") or {}
        if self.params["nodes"]:
            # Problems of other nodes may be known already; do not probe them.
            self.pods = [pod for pod in self.pods if pod["node"] in self.params["nodes"]]
        found = workload_check.unready(self.pods, self.params["nodes"])
        if not found and len(self.pods) < (len(self.params["nodes"]) or daemons.get("desiredNumberScheduled", 0) or 1):
            found = ["pods: none was started; check kube-controller-manager"]
        return found

    def creation_failures(self) -> list[str]:
        """Return why pods are not created."""
        chosen = f"involvedObject.kind=DaemonSet,involvedObject.name={workload_check.NAME}"
        events = self.api.get(query(f"{self.home}/events", fieldSelector=chosen)).get("items") or []
        return workload_check.creation_failures(events)

    def probe(self, pods: list[dict[str, Any]], service: dict[str, Any]) -> list[str]:
        """Return the failed probes from inside every pod and from this host."""
        self.probes = 0
        self.suspects = set()
        inside = map_concurrently(
            lambda index: self.probe_from_pod(pods, index, service["clusterIP"]), range(len(pods)), 8
        )
        return [problem for problems in inside for problem in problems] + self.probe_node_ports(pods, service)

    def probe_node_ports(self, pods: list[dict[str, Any]], service: dict[str, Any]) -> list[str]:
        """Return the node ports that do not answer this host."""
        port = service["ports"][0]["nodePort"]
        found = map_concurrently(lambda pod: self.probe_node_port(pod["host_ip"], port), pods, 8)
        self.suspects.update(pod["node"] for pod, problems in zip(pods, found) if problems)
        return [problem for problems in found for problem in problems]

    def probe_from_pod(self, pods: list[dict[str, Any]], index: int, address: str) -> list[str]:
        """Return the failed probes from one pod."""
        targets = workload_check.targets(pods, index, address=address, dns=self.params["dns"])
        self.probes += len(targets)
        place = [f"--namespace={self.params['namespace']}", pods[index]["name"]]
        words = [f"{name}={what}" for name, (what, _wanted) in targets.items()]
        here = f"from pod on {pods[index]['node']}"
        try:
            output = self.kubectl.run(["exec", *place, "--", "sh", "-c", workload_check.ASK, "ask", *words])
        except HardwayError as exc:
            self.suspects.add(pods[index]["node"])
            return [f"{here}: {exc}"]
        wrong = workload_check.wrong(output, targets)
        self.suspects.update(workload_check.suspects(pods[index]["node"], wrong))
        return [f"{here}: {name} does not answer" for name in wrong]

    def dns_problems(self) -> list[str]:
        """Return why the cluster DNS may be unresponsive: its unready pods, by their standard label."""
        listed = self.api.get(query("/api/v1/namespaces/kube-system/pods", labelSelector="k8s-app=kube-dns"))
        pods = workload_check.pods_of(listed.get("items") or [])
        if not pods:
            return ["dns: there are no pods labelled k8s-app=kube-dns; deploy CoreDNS with role addons"]
        return [f"dns pod {pod['name']}: not ready: {pod['reason']}" for pod in pods if not pod["ready"]]

    def probe_node_port(self, host: str, port: int) -> list[str]:
        """Return a problem when the node port does not answer."""
        self.probes += 1
        try:
            answer = request(workload_check.url(host, port), timeout=3)
        except HttpError as exc:
            return [f"node port: {exc}"]
        return [] if answer.status == 200 else [f"node port {host}:{port}: answers {answer.status}"]

    def remove(self, *, wait: bool) -> None:
        """Remove the namespace and all in it; where asked to, return only when it is gone."""
        if not self.api.find(self.home):
            return
        self.api.delete(f"{self.apps}/{workload_check.NAME}")
        self.api.delete(f"{self.home}/services/{workload_check.NAME}")
        # They hold nothing that would have to end in order.
        self.api.delete(self.home + "/pods", {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
        self.api.delete(self.home)
        if not wait:
            return
        gone, _seen = wait_until(lambda: self.api.find(self.home), lambda seen: seen is None, timeout=REMOVAL)
        if not gone:
            raise HardwayError(
                f"namespace {self.params['namespace']}: not removed within {REMOVAL} s; "
                "see its status, and remove what blocks it"
            )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False, problems=[], pods=[], failed_nodes=[], probes=0)
    workload = Workload(module.params)
    try:
        problems = workload.check()
    except HardwayError as exc:
        problems = [str(exc)]
    module.exit_json(
        changed=False, problems=problems, pods=workload.pods, failed_nodes=workload.failed(), probes=workload.probes
    )


if __name__ == "__main__":
    main()
