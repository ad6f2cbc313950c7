#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approves the CSRs of expected nodes and denies invalid ones."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: csr_approval
short_description: Approve the CSRs of expected nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Submits the CSRs created on the hosts of joining nodes, approves them and returns the certificates. Role C(node)
    works this way, because only then a key is known to belong to the node.
  - Validates every other pending CertificateSigningRequest by signer, requester, groups, subject, usages, SANs and
    key. A CSR that matches the inventory is approved.
  - A CSR from a bootstrap token or a node is denied, with the reason, when it does not match the inventory, cannot be
    parsed, has another key than O(nodes[].request), or when there are several keys for one node. A denial does not
    fail the task.
  - All other CSRs are left alone, in particular those for nodes that are not expected. They are reported.
  - Waits until every expected node has a certificate issued in this run, or has joined earlier, which is known by the
    node's lease being renewed. When all have joined it returns at once.
requirements:
  - cryptography >= 3.4
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details:
      - Inspects once and does not wait.
      - Predicts a change if a node has not joined, or no API is ready.
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
        description: SANs that its serving certificate may have, besides the node name.
        type: list
        elements: str
        default: []
      stopped:
        description: Whether its kubelet was just stopped. Then the node's lease must be renewed while the task waits.
        type: bool
        default: false
      request:
        description:
          - CSR (PEM) created on the node's host by M(hardway.kubernetes.kubelet_certificate).
          - Without it the kubelet submits a CSR itself, and any of O(requesters) can claim to be this node.
        type: str
        default: ""
  requesters:
    description:
      - User names of the bootstrap tokens whose CSRs may be approved for nodes without O(nodes[].request),
        for example V(system:bootstrap:abcdef). CSRs of other users are denied.
      - When empty, every bootstrap token may request certificates for these nodes.
    type: list
    elements: str
    default: []
  require:
    description: V(all) fails unless all nodes have a certificate. With V(none), see RV(problems).
    type: str
    choices: [all, none]
    default: all
  signers:
    description:
      - Signers whose CSRs to validate.
      - The task waits only for client certificates. A kubelet requests its serving certificate after it has joined.
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
        request: "{{ hostvars['node1'].csr.request }}"
  register: approval
"""

RETURN = r"""
approved:
  description: CSRs approved in this run, or to be approved in check mode.
  returned: always
  type: list
  elements: dict
  sample: [{name: csr-x8m2k, node: node1, reason: "the CSR created on node node1"}]
denied:
  description: CSRs denied in this run, or to be denied in check mode.
  returned: always
  type: list
  elements: dict
  sample: []
left:
  description: Pending CSRs of nodes that were neither approved nor denied.
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
certificates:
  description: Certificates (PEM) of nodes with O(nodes[].request), by node.
  returned: always
  type: dict
  sample: {}
problems:
  description: Why a node has no certificate, by node.
  returned: always
  type: dict
  sample: {}
joined:
  description: Nodes whose kubelet renews its lease.
  returned: always
  type: list
  elements: str
  sample: []
missing:
  description: Expected nodes that have neither joined nor got a certificate.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import csr_policy
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.csr_approval import Approver
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "stopped": {"type": "bool", "default": False},
            "request": {"type": "str", "default": ""},
        },
    },
    "signers": {
        "type": "list",
        "elements": "str",
        "choices": [csr_policy.CLIENT, csr_policy.SERVING],
        "default": [csr_policy.CLIENT],
    },
    "requesters": {"type": "list", "elements": "str", "default": []},
    "require": {"type": "str", "choices": ["all", "none"], "default": "all"},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    timeout = 0 if module.check_mode else params["timeout"]
    try:
        require_cryptography("csr_approval")
        approver = Approver(
            Api.of(params),
            params["nodes"],
            params["signers"],
            requesters=params["requesters"],
            check_mode=module.check_mode,
        )
        wait_until(approver.inspect, lambda names: not names, timeout=timeout)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    for line in approver.warnings():
        module.warn(line)
    result = approver.result(timeout)
    if result["missing"] and params["require"] == "all" and not module.check_mode:
        reasons = "; ".join(f"node {node}: {reason}" for node, reason in result["problems"].items())
        denied = "".join(f"; request {line['name']} denied: {line['reason']}" for line in result["denied"])
        module.fail_json(
            msg=f"nodes {', '.join(result['missing'])}: no client certificate: {reasons}{denied}", **result
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
