#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the state of API servers, etcd and the objects of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_status
short_description: Gather the state of a cluster that may be broken
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Queries all API servers and etcd members at once, without waiting, and returns what answers. What does not is part
    of the result and never fails the module.
  - Of etcd without a quorum, the members that run still report their state.
  - M(hardway.kubernetes.cluster_info) checks more, and waits.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  servers:
    description: URLs of the API servers. Objects are read from the first ready one.
    type: list
    elements: str
    required: false
    default: []
  endpoint:
    description: URL by which clients reach the API.
    type: str
  etcd:
    description: How to reach etcd.
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
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 3
seealso:
  - module: hardway.kubernetes.host_status
  - module: hardway.kubernetes.status_report
"""

EXAMPLES = r"""
- name: Gather the state of the cluster
  hardway.kubernetes.cluster_status:
    servers: ["https://192.0.2.11:6443", "https://192.0.2.12:6443"]
    endpoint: https://192.0.2.10:6443
  register: cluster
"""

RETURN = r"""
servers:
  description: The API servers.
  returned: always
  type: list
  elements: dict
  sample: [{url: "https://192.0.2.11:6443", ready: true, version: 1.36.2, emulates: "", reason: ""}]
endpoint:
  description: The same of O(endpoint).
  returned: always
  type: dict
  sample: {url: "https://192.0.2.10:6443", ready: true, version: 1.36.2, emulates: "", reason: ""}
api_error:
  description: Why objects could not be read. Empty if they could.
  returned: always
  type: str
  sample: ""
leaders:
  description: Leases of controller manager and scheduler.
  returned: when an API server is ready
  type: list
  elements: dict
  sample: [{name: kube-scheduler, holder: master1_5e6c, age: 1.2, held: true}]
nodes:
  description: The nodes.
  returned: when an API server is ready
  type: list
  elements: dict
  sample: [{name: node1, ready: true, reason: "", version: v1.36.2, unschedulable: false, pressure: []}]
pending_csrs:
  description: CSRs without a decision.
  returned: when an API server is ready
  type: list
  elements: dict
  sample: [{name: csr-abc12, user: "system:node:node1", signer: kubernetes.io/kubelet-serving, age: 61.5}]
operation:
  description: Holder of the lease C(kube-system/hardway), if any; of its copy in etcd, if no API server is ready.
  returned: when an API server is ready or etcd is healthy
  type: dict
  sample:
    holder: alice@admin1/4711-881234
    playbook: site.yml
    since: "2026-11-29T07:45:00Z"
    step: "hardway.kubernetes.etcd : Run etcd"
    age: 4.2
    held: true
record:
  description: Cluster record, as M(hardway.kubernetes.cluster_record) returns it. Empty if there is none.
  returned: when an API server is ready
  type: dict
  sample: {"id": "7b0c…", "name": "kubernetes"}
coredns:
  description: Version of CoreDNS, if it is deployed.
  returned: when an API server is ready
  type: str
  sample: 1.14.2
etcd:
  description: Members, as returned by M(hardway.kubernetes.etcd_health), with C(quota) in bytes; leader and alarms.
  returned: when O(etcd) is given
  type: dict
  sample: {leader: master1, alarms: [], members: []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.cluster_status_probe import gather
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS as ETCD_ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS

SPEC = {
    **ARGUMENTS,
    "servers": {"type": "list", "elements": "str", "default": []},
    "endpoint": {"type": "str"},
    "etcd": {"type": "dict", "options": ETCD_ARGUMENTS},
    "timeout": {"type": "float", "default": 3},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **gather(module.params))


if __name__ == "__main__":
    main()
