# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(addition_plan)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: addition_plan
short_description: Plan the addition of hosts to a cluster
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides which hosts can be added, from the results of M(hardway.kubernetes.host_preflight), registered on each host
    as C(_cluster_preflight), and which other hosts must be deployed for them.
positional: _input, hostvars, groups, through, nodes, systems, vip
options:
  _input:
    description: Hosts to add, as returned by the filter P(hardway.kubernetes.host_addresses#filter).
    type: list
    elements: dict
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
  groups:
    description: Hosts of C(etcd), C(master), C(lb) and C(node).
    type: dict
    required: true
  through:
    description: Inventory name of a master of the cluster.
    type: str
    required: true
  nodes:
    description: Name, machine-id, address and readiness of each node of the cluster, with C(|) between them.
    type: list
    elements: str
    required: true
  systems:
    description: Oldest supported major version by distribution, in lower case.
    type: dict
    required: true
  vip:
    description: Virtual IP of the API.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ hosts | hardway.kubernetes.addition_plan(hostvars, groups, 'm1', nodes, {'debian': 12}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(scope) has the hosts that are deployed (C(deploys)), the master (C(through)), the hosts whose node the cluster
      does not have yet (C(joins)), and a node of the cluster with which these are tested (C(neighbours)).
    - C(left_out) has the hosts that cannot be added, C(absent) those of them that the cluster does not have, and
      C(problems) why, C(possible) whether the rest can be added without them, C(text) the plan for display.
  type: dict
"""


def addition_plan(
    members: t.Any, hostvars: t.Any, groups: t.Any, through: t.Any, nodes: t.Any, systems: t.Any, vip: str = ""
) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import addition

    return addition.plan(members, hostvars, groups, through, map(addition.Node.of, nodes), systems, vip)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"addition_plan": addition_plan}
