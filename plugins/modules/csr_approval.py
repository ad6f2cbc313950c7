#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approves true certificate requests of nodes and denies the lying ones."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: csr_approval
short_description: Approve the certificate requests of expected nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Judges every pending CertificateSigningRequest by signer, requester, groups, subject, usages and alternative names.
  - What is true and asked for an expected node is approved. What is false, or not allowed by its signer, is denied
    with the reason, when it comes from a bootstrap token or a node. Everything else is left alone, above all true
    requests of nodes that are not expected, and these are reported.
  - Waits until every expected node has a certificate issued in this run, or has joined earlier, which its kubelet shows
    by renewing the node's lease. When all have joined it returns at once.
requirements:
  - cryptography >= 3.4
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Looks once and does not wait. Predicts a change when a node has not joined or no API server is ready yet.
  diff_mode:
    support: full
options:
  nodes:
    description: The expected nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Node name.
        type: str
        required: true
      addresses:
        description: Addresses and further names that its serving certificate may carry.
        type: list
        elements: str
        default: []
      stopped:
        description: Its kubelet was stopped just before. Only a lease that is renewed while the task waits counts then.
        type: bool
        default: false
  signers:
    description:
      - Whose requests to judge.
      - Only client certificates are awaited; a kubelet asks for its serving certificate when it has joined.
    type: list
    elements: str
    choices: [kubernetes.io/kube-apiserver-client-kubelet, kubernetes.io/kubelet-serving]
    default: [kubernetes.io/kube-apiserver-client-kubelet]
  timeout:
    description: Seconds to wait for the certificates.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Approve the nodes of the inventory
  hardway.kubernetes.csr_approval:
    servers: ["https://192.0.2.11:6443"]
    nodes:
      - name: node1
        addresses: [192.0.2.21]
"""

RETURN = r"""
approved:
  description: Requests approved in this run, or to be approved in check mode.
  returned: always
  type: list
  elements: dict
  sample: [{name: csr-x8m2k, node: node1, reason: "true to the inventory, requested by system:bootstrap:abcdef"}]
denied:
  description: Requests denied in this run, or to be denied in check mode.
  returned: always
  type: list
  elements: dict
  sample: []
left:
  description: Pending node requests that were left alone.
  returned: always
  type: list
  elements: dict
  sample: []
issued:
  description: Nodes for which a certificate was issued in this run.
  returned: always
  type: list
  elements: str
  sample: [node1]
joined:
  description: Nodes whose kubelet renews its lease.
  returned: always
  type: list
  elements: str
  sample: []
missing:
  description: Expected nodes that are neither.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils import _csr_policy, _leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kube import ARGUMENTS, Api, ApiError
from ansible_collections.hardway.kubernetes.plugins.module_utils._wait import wait_until

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
SPEC = {
    **ARGUMENTS,
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "stopped": {"type": "bool", "default": False},
        },
    },
    "signers": {
        "type": "list",
        "elements": "str",
        "choices": [_csr_policy.CLIENT, _csr_policy.SERVING],
        "default": [_csr_policy.CLIENT],
    },
    "timeout": {"type": "int", "default": 120},
}


class Approver:
    """One run: looks, acts on what is pending, and remembers what it did."""

    def __init__(self, api: Api, nodes: list[dict[str, Any]], signers: list[str], check_mode: bool) -> None:
        """Remember what is expected."""
        self.api, self.signers, self.check_mode = api, signers, check_mode
        self.nodes: dict[str, list[str]] = {node["name"]: node["addresses"] for node in nodes}
        self.stopped = {node["name"] for node in nodes if node["stopped"]}
        self.approved: dict[str, dict[str, str]] = {}
        self.denied: dict[str, dict[str, str]] = {}
        self.left: dict[str, dict[str, str]] = {}
        self.issued: set[str] = set()
        self.joined: set[str] = set()
        self.trouble = ""
        self._renewals: dict[str, str] = {}

    def look(self) -> list[str]:
        """Judge what is pending; return the expected nodes that have neither joined nor got a certificate."""
        try:
            self._see_leases()
            self.left = {}
            for csr in self.api.get(CSRS).get("items") or []:
                self._see(csr)
            self.trouble = ""
        except ApiError as exc:
            # A server that restarts, or another one's write, is no reason to give up before the time is over.
            if exc.status in (0, 409, 429) or exc.status >= 500:
                self.trouble = str(exc)
            else:
                raise
        return sorted(set(self.nodes) - self.issued - self.joined)

    def _see_leases(self) -> None:
        """Find the nodes whose kubelets are at work: renewed in time, or renewed between two looks."""
        leases = self.api.get(LEASES).get("items") or []
        now = _leases.server_time(self.api.date)
        for lease in leases:
            name = lease["metadata"]["name"]
            renewed = (lease.get("spec") or {}).get("renewTime", "")
            held = name not in self.stopped and _leases.held(lease, now)
            if held or self._renewals.get(name, renewed) != renewed:
                self.joined.add(name)
            self._renewals[name] = renewed
        self.joined &= set(self.nodes)

    def _see(self, csr: dict[str, Any]) -> None:
        """Act on one request."""
        name, status = csr["metadata"]["name"], csr.get("status") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
        if "Failed" in conditions and name in self.approved:
            raise HardwayError(
                f"certificate request {name}: not signed: {conditions['Failed'].get('message')}; "
                "check the controller-manager's signing certificate and key"
            )
        if status.get("certificate") and name in self.approved:
            if csr["spec"]["signerName"] == _csr_policy.CLIENT:
                self.issued.add(self.approved[name]["node"])
        elif not conditions:
            self._judge(name, csr)

    def _judge(self, name: str, csr: dict[str, Any]) -> None:
        """Decide on a pending request and carry it out."""
        decision = _csr_policy.decide(csr, self.nodes, self.signers)
        line = {"name": name, "node": decision.node, "reason": decision.reason}
        if decision.verdict == "approve":
            self._write(csr, "Approved", "TrueToInventory", decision.reason)
            self.approved[name] = line
        elif decision.verdict == "deny":
            self._write(csr, "Denied", "FalseClaim", decision.reason)
            self.denied[name] = line
        elif csr["spec"].get("signerName") in self.signers:
            self.left[name] = line

    def _write(self, csr: dict[str, Any], kind: str, reason: str, message: str) -> None:
        """Put the condition on the request, which has none yet."""
        if self.check_mode:
            return
        condition = {"type": kind, "status": "True", "reason": reason, "message": f"hardway.kubernetes: {message}"}
        csr["status"] = {**(csr.get("status") or {}), "conditions": [condition]}
        self.api.put(f"{CSRS}/{csr['metadata']['name']}/approval", csr)

    def result(self, missing: list[str]) -> dict[str, Any]:
        """Return what the module exits with."""
        done = [("approved", line) for line in self.approved.values()]
        done += [("denied", line) for line in self.denied.values()]
        after = "".join(f"{verb} {line['name']} of node {line['node']}: {line['reason']}\n" for verb, line in done)
        return {
            "changed": bool(done) or (self.check_mode and bool(missing)),
            "approved": list(self.approved.values()),
            "denied": list(self.denied.values()),
            "left": list(self.left.values()),
            "issued": sorted(self.issued),
            "joined": sorted(self.joined),
            "missing": missing,
            "diff": {"before": "", "after": after},
        }


def explain(approver: Approver, missing: list[str], timeout: int) -> str:
    """Return the message for nodes that did not get a certificate in time."""
    pending = {line["node"] for line in approver.approved.values()} & set(missing)
    silent = sorted(set(missing) - pending)
    parts = [approver.trouble] if approver.trouble else []
    if pending:
        parts.append(f"approved, but not signed: {', '.join(sorted(pending))}; check kube-controller-manager")
    if silent:
        parts.append(f"no true request came from {', '.join(silent)}; look into the kubelet's journal there")
    parts += [f"request {line['name']} denied: {line['reason']}" for line in approver.denied.values()]
    return f"nodes {', '.join(missing)}: no client certificate within {timeout} s: " + "; ".join(parts)


def main() -> None:
    """Judge, wait, and report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    approver = Approver(Api.of(params), params["nodes"], params["signers"], module.check_mode)
    timeout = 0 if module.check_mode else params["timeout"]
    try:
        complete, missing = wait_until(approver.look, lambda names: not names, timeout=timeout)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    for line in [*approver.denied.values(), *approver.left.values()]:
        verb = "denied" if line["name"] in approver.denied else "left pending"
        module.warn(f"certificate request {line['name']} {verb}: {line['reason']}")
    if not complete and not module.check_mode:
        module.fail_json(msg=explain(approver, missing, timeout), **approver.result(missing))
    module.exit_json(**approver.result(missing))


if __name__ == "__main__":
    main()
