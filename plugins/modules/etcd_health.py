#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and awaits the health of an etcd cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_health
short_description: State of an etcd cluster, awaited
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Asks every endpoint at once and waits until all of them are healthy, exactly one leader is named, no alarm is
    raised, no member is a learner, and every member has reached the newest revision seen.
  - It never changes anything. It talks to the HTTPS gateway of etcd itself; neither etcdctl nor any library is needed.
  - Where etcd's own authentication is enabled and the gateway refuses certificates, revision and size are read from the
    members' metrics instead; then the member list and the alarms are not known.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Looks once, does not wait, and reports an unhealthy or missing cluster without failing.
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
    description: Client certificate, for example the health check's.
    type: path
    required: true
  key:
    description: Private key of O(cert).
    type: path
    required: true
  expected_members:
    description:
      - Names that the member list must consist of.
      - When empty, the members must be those that O(endpoints) stand for.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for health; V(0) looks twice, at once.
    type: int
    default: 60
  unit:
    description:
      - The unit of a member on the host of this task. The wait ends early when it has failed, or fails again and again,
        and the message has its last lines.
    type: str
  required:
    description: Fail when the cluster is not healthy in time; when false, only report.
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
  description: Whether nothing is wrong.
  returned: always
  type: bool
  sample: true
problems:
  description: All that is wrong, one sentence each.
  returned: always
  type: list
  elements: str
  sample: []
leader:
  description: Name of the leader (its number where the member list is not known); empty when there is not exactly one.
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
  description: The newest revision that a healthy member has.
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
  description: One entry per endpoint, and per member that no endpoint stands for.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Member name.
      type: str
      sample: master1
    id:
      description: Member number, as etcdctl prints it.
      type: str
      sample: 8e9e05c52164694d
    endpoint:
      description: Endpoint asked; empty for a member that was not asked.
      type: str
      sample: https://192.0.2.11:2379
    healthy:
      description: Whether its health page says so.
      type: bool
      sample: true
    error:
      description: Why it is not healthy.
      type: str
      sample: ""
    leader:
      description: Number of the member that it takes for the leader.
      type: str
      sample: 8e9e05c52164694d
    learner:
      description: Whether it has no vote yet.
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
      description: Client URLs it advertises.
      type: list
      elements: str
      sample: ["https://192.0.2.11:2379"]
    peer_urls:
      description: Peer URLs it is known by.
      type: list
      elements: str
      sample: ["https://192.0.2.11:2380"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import ARGUMENTS, Etcd, judged
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
    """Look, wait, and report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    etcd = Etcd(params["endpoints"], Tls(ca=params["ca"], cert=params["cert"], key=params["key"]))
    probe = judged(etcd, params["expected_members"])
    watch = Watch(module.run_command, params["unit"]) if params["unit"] and not module.check_mode else None

    def look() -> tuple[dict[str, Any], str]:
        state = probe()
        return state, watch.reason() if watch and state["problems"] else ""

    try:
        _ended, (state, hopeless) = wait_until(
            look,
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
