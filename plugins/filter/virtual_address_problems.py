# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(virtual_address_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: virtual_address_problems
short_description: Virtual addresses that not exactly one load balancer has
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares what the load balancers have reported by M(hardway.kubernetes.host_health).
positional: _input, balancers, addresses
options:
  _input:
    description: Results of M(hardway.kubernetes.host_health), by the name of the host.
    type: dict
    required: true
  balancers:
    description: Names of the load balancers. Nothing is reported while one of them has not answered.
    type: list
    elements: str
    required: true
  addresses:
    description: The virtual addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Report a virtual address that two load balancers have
  ansible.builtin.debug:
    msg: "{{ {'lb1': {'held': ['192.0.2.100']}, 'lb2': {'held': ['192.0.2.100']}}
             | hardway.kubernetes.virtual_address_problems(['lb1', 'lb2'], ['192.0.2.100']) }}"
"""

RETURN = r"""
_value:
  description: One line per address that none or several have.
  type: list
  elements: str
"""


def virtual_address_problems(hosts: t.Any, balancers: t.Any, addresses: t.Any) -> list[str]:
    """Return one line per problem."""
    # Not before it is used: whatever uses one filter loads the files of all, in each of Ansible's workers.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_problems

    return host_problems.holder_problems(hosts, balancers, addresses)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"virtual_address_problems": virtual_address_problems}
