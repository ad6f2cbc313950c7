# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(preflight_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: preflight_problems
short_description: Report the problems of all hosts
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reports hosts that did not answer, have an unsupported architecture or system, or cannot hold the virtual IP,
    and every obstacle from M(hardway.kubernetes.host_preflight), registered as C(_cluster_preflight).
  - Displays warnings, each once with the affected hosts.
  - Displays one warning for the nodes that are left out because they do not answer.
positional: _input, hostvars, systems, vip, lb, left_out
options:
  _input:
    description: Hosts, as returned by the filter P(hardway.kubernetes.host_addresses#filter).
    type: list
    elements: dict
    required: true
  hostvars:
    description: The magic variable V(hostvars). A host without facts counts as unreachable.
    type: dict
    required: true
  systems:
    description: Oldest supported major version by distribution, in lower case.
    type: dict
    required: true
  vip:
    description: Virtual IP of the API.
    type: str
    default: ""
  lb:
    description: Inventory names of the hosts that may hold O(vip).
    type: list
    elements: str
    default: []
  left_out:
    description: Inventory names of the nodes that the run leaves out. They are not checked.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Report the problems of all hosts
  ansible.builtin.debug:
    msg: "{{ _cluster_hosts | hardway.kubernetes.preflight_problems(hostvars, {'debian': 12}) }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with host, value and remedy. Empty without problems.
  type: list
  elements: str
"""


def preflight_problems(
    members: t.Any, hostvars: t.Any, systems: t.Any, vip: str = "", lb: t.Any = (), left_out: t.Any = ()
) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.utils.display import Display
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import hosts

    members = [member for member in members if member["host"] not in left_out]
    for warning in [*hosts.left_out_warnings(left_out), *hosts.host_warnings(members, hostvars)]:
        Display().warning(warning)
    return hosts.preflight_problems(members, hostvars, systems, vip, lb)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"preflight_problems": preflight_problems}
