# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(address_plan)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: address_plan
short_description: Plan the change of the address of a host
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides which units must change when a host of a cluster gets another address, and what stands in the way.
  - The new address is that of the inventory. The former ones are those that units of the host use.
positional: _input, hostvars, groups, found
options:
  _input:
    description: Inventory name of the host.
    type: str
    required: true
  hostvars:
    description: The magic variable V(hostvars), with results of M(hardway.kubernetes.host_preflight).
    type: dict
    required: true
  groups:
    description: Hosts of the groups C(etcd), C(master), C(lb) and C(node).
    type: dict
    required: true
  found:
    description:
      - C(member), the result of M(hardway.kubernetes.etcd_member); C(nodes), one text C(name|id|address|ready) each;
        C(reached), results of M(ansible.builtin.uri) by host; C(endpoint), the host part of the API endpoint.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ 'm2' | hardway.kubernetes.address_plan(hostvars, _cluster_groups, found) }}"
"""

RETURN = r"""
_value:
  description:
    - C(host) and its new C(address).
    - C(former) has the addresses that units of the host still use.
    - C(moving) has them by host.
    - C(steps), C(warnings) and C(refusals) have lines of text.
  type: dict
"""


def address_plan(name: str, hostvars: t.Any, groups: t.Any, found: t.Any) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import address_change
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import host_addresses

    names = list(dict.fromkeys([name, *(host for many in groups.values() for host in many)]))
    hosts = {}
    for entry in host_addresses(names, hostvars):
        variables = hostvars[entry["host"]]
        flags = ((variables.get("_cluster_preflight") or {}).get("running") or {}).get("flags") or {}
        free = {variable: variables.get(variable) for _flags, variable in address_change.FLAGS.values()}
        hosts[entry["host"]] = {
            **entry,
            "ansible_host": str(variables.get("ansible_host") or ""),
            "used": address_change.used(flags, free),
            "interfaces": list((variables.get("ansible_facts") or {}).get("all_ipv4_addresses") or []),
        }
    nodes = [text.split("|") for text in found["nodes"]]
    return dict(
        address_change.plan(
            name,
            hosts,
            {group: list(many) for group, many in groups.items()},
            {
                "member": found["member"] or {},
                "nodes": [{"name": node[0], "address": node[2]} for node in nodes],
                "reached": [{"host": host, "msg": str(one.get("msg", ""))} for host, one in found["reached"].items()],
                "endpoint": str(found["endpoint"]),
            },
        )
    )


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"address_plan": address_plan}
