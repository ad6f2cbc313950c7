#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the health of an etcd cluster and waits for it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_health
short_description: Wait until an etcd cluster is healthy
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Queries all endpoints in parallel and waits until all are healthy, all name the same leader, no alarm is
    raised, no member is a learner, and every member has reached the newest revision.
  - Read-only. Uses the HTTPS gateway of etcd, so that neither etcdctl nor a library is needed.
  - If etcd authentication is enabled and the gateway rejects certificates, revision and size are read from the
    members' metrics. The member list and alarms are unknown then.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Inspects once, does not wait, and does not fail.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  endpoints:
    description: Client URLs of the members, for example V(https://192.0.2.11:2379).
    type: list
    elements: str
    required: true
  ca:
    description: CA of the members' serving certificates.
    type: path
    required: true
  cert:
    description: Client certificate, for example that of the health check.
    type: path
    required: true
  key:
    description: Private key of O(cert).
    type: path
    required: true
  expected_members:
    description:
      - Names that the member list must consist of.
      - When empty, every member must have one of O(endpoints).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for health. V(0) inspects twice, without delay.
    type: int
    default: 60
  unit:
    description:
      - Unit of the member on this host. Waiting ends early when the unit has failed or keeps failing,
        and the error contains its last log lines.
    type: str
  required:
    description: Whether to fail when the cluster is not healthy in time.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Wait until etcd is healthy
  hardway.kubernetes.etcd_health:
    endpoints:
      - https://192.0.2.11:2379
      - https://192.0.2.12:2379
      - https://192.0.2.13:2379
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/healthcheck-client.crt
    key: /etc/etcd/pki/healthcheck-client.key
    expected_members: [master1, master2, master3]
"""

RETURN = r"""
healthy:
  description: Whether there are no problems.
  returned: always
  type: bool
  sample: true
problems:
  description: All problems, one sentence each.
  returned: always
  type: list
  elements: str
  sample: []
leader:
  description: Name of the leader, or its ID if the member list is unknown. Empty unless there is exactly one.
  returned: always
  type: str
  sample: master1
alarms:
  description: Raised alarms.
  returned: always
  type: list
  elements: str
  sample: [NOSPACE on master1]
revision:
  description: Newest revision of the healthy members.
  returned: always
  type: int
  sample: 1234
versions:
  description: Versions of the healthy members.
  returned: always
  type: list
  elements: str
  sample: [3.6.8]
members:
  description: One entry per endpoint, and per member without an endpoint.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Member name.
      type: str
      sample: master1
    id:
      description: Member ID, as printed by etcdctl.
      type: str
      sample: 8e9e05c52164694d
    endpoint:
      description: The queried endpoint. Empty for a member without one.
      type: str
      sample: https://192.0.2.11:2379
    healthy:
      description: Whether its health endpoint says so.
      type: bool
      sample: true
    error:
      description: Why it is not healthy.
      type: str
      sample: ""
    leader:
      description: ID of the member that it considers the leader.
      type: str
      sample: 8e9e05c52164694d
    learner:
      description: Whether it is a learner, without a vote.
      type: bool
      sample: false
    version:
      description: Its version.
      type: str
      sample: 3.6.8
    revision:
      description: Its revision.
      type: int
      sample: 1234
    raft_index:
      description: Its committed raft index.
      type: int
      sample: 2345
    db_size:
      description: Size of its database file in bytes.
      type: int
      sample: 20480
    db_size_in_use:
      description: Bytes in use; the rest is freed by defragmentation.
      type: int
      sample: 16384
    client_urls:
      description: Its advertised client URLs.
      type: list
      elements: str
      sample: ["https://192.0.2.11:2379"]
    peer_urls:
      description: Its peer URLs.
      type: list
      elements: str
      sample: ["https://192.0.2.11:2380"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS, Etcd, evaluated
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.failure import Watch

SPEC = {
    **ARGUMENTS,
    "expected_members": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 60},
    "unit": {"type": "str"},
    "required": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    etcd = Etcd(params["endpoints"], Tls(ca=params["ca"], cert=params["cert"], key=params["key"]))
    probe = evaluated(etcd, params["expected_members"])
    watch = Watch(module.run_command, params["unit"]) if params["unit"] and not module.check_mode else None

    def inspect() -> tuple[dict[str, Any], str]:
        state = probe()
        return state, watch.reason() if watch and state["problems"] else ""

    try:
        _ended, (state, hopeless) = wait_until(
            inspect,
            lambda seen: not seen[0]["problems"] or bool(seen[1]),
            timeout=0 if module.check_mode else params["timeout"],
        )
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    result = {"changed": False, "healthy": not state["problems"], **state}
    if state["problems"] and params["required"] and not module.check_mode:
        why = hopeless or f"not healthy within {params['timeout']} s: " + "; ".join(state["problems"])
        module.fail_json(msg=f"etcd: {why}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
