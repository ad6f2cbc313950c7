# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(host_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: host_problems
short_description: What is wrong with the hosts, all of them at once
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Names the hosts that did not answer, have an unsupported architecture or system, or cannot hold the virtual address,
    and every obstacle that M(hardway.kubernetes.host_check) has found, where it is registered as C(_cluster_answer).
  - Its warnings are shown, each once with the hosts that have it.
positional: _input, hostvars, systems, vip, lb
options:
  _input:
    description: Hosts as the filter P(hardway.kubernetes.members#filter) gives them.
    type: list
    elements: dict
    required: true
  hostvars:
    description: The magic variable V(hostvars); a host without facts counts as not reached.
    type: dict
    required: true
  systems:
    description: The oldest supported major version by lower-case distribution.
    type: dict
    required: true
  vip:
    description: The virtual address of the API.
    type: str
    default: ""
  lb:
    description: Inventory names of the hosts that may hold O(vip).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See roles/cluster/tasks/hosts.yml, which is where it is used
  ansible.builtin.debug:
    msg: "{{ _cluster_hosts | hardway.kubernetes.host_problems(hostvars, {'debian': 12}) }}"
"""

RETURN = r"""
_value:
  description: One line per problem, with the host, the value and the remedy; empty when all is well.
  type: list
  elements: str
"""


def host_problems(members: t.Any, hostvars: t.Any, systems: t.Any, vip: str = "", lb: t.Any = ()) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: whoever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible.utils.display import Display
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import hosts

    for warning in hosts.host_warnings(members, hostvars):
        Display().warning(warning)
    return hosts.host_problems(members, hostvars, systems, vip, lb)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_problems": host_problems}
