# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter host_removal_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: host_removal_plan
short_description: Plan the removal of hosts from all roles
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides what the removal of hosts from a cluster does, and what stands in its way.
positional: _input, cluster, checks
options:
  _input:
    description: The hosts, as P(hardway.kubernetes.host_addresses#filter) returns them.
    type: list
    elements: dict
    required: true
  cluster:
    description:
      - C(groups), all hosts of each group; C(names), what the inventory calls the groups; C(lost), hosts that are
        declared lost; C(responding), hosts that respond; C(ready), masters with a ready API server; C(balancing),
        hosts with a working haproxy; C(endpoint), the host part of the API endpoint; C(signer), the CA whose key
        masters have.
    type: dict
    required: true
  checks:
    description:
      - Results of checks in loops over the hosts, C(etcd) of M(hardway.kubernetes.etcd_member), C(drains) of
        M(hardway.kubernetes.node_drain) and C(removals) of M(hardway.kubernetes.node_removal), and C(answers), those of
        M(ansible.builtin.wait_for) in a loop over addresses and ports of lost hosts.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ hosts | hardway.kubernetes.host_removal_plan(cluster, checks) }}"
"""

RETURN = r"""
_value:
  description:
    - C(hosts) has the steps of each host, C(refusals) the reasons to refuse the removal, C(warnings) what should be
      known before, C(due) what must follow, C(etcd_left) the hosts of etcd that stay.
  type: dict
"""


def host_removal_plan(
    hosts: t.Iterable[t.Mapping[str, t.Any]], cluster: t.Mapping[str, t.Any], checks: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the plan."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_removal

    found = []
    for host, etcd, drain, node in zip(hosts, checks["etcd"], checks["drains"], checks["removals"]):
        groups = [name for name, members in cluster["groups"].items() if host["host"] in members]
        known = {"groups": groups, "lost": host["host"] in cluster["lost"]}
        found.append({**host, **known, "etcd": etcd, "drain": drain, "node": node})
    # Successful ones have a state.
    answers = [
        {"address": one["item"][0], "port": one["item"][1]}
        for one in checks["answers"]
        if "state" not in one and not one.get("skipped")
    ]
    return host_removal.plan(found, {**cluster, "answers": answers})


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_removal_plan": host_removal_plan}
