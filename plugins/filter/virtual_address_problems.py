# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(virtual_address_problems)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: virtual_address_problems
short_description: Report virtual IPs that are not held by exactly one load balancer
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares the results of M(hardway.kubernetes.host_health) of all load balancers.
positional: _input, balancers, addresses
options:
  _input:
    description: Results of M(hardway.kubernetes.host_health) by host.
    type: dict
    required: true
  balancers:
    description: Names of the load balancers. If one of them has not answered, nothing is reported.
    type: list
    elements: str
    required: true
  addresses:
    description: Virtual IPs.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Report a virtual IP that two load balancers hold
  ansible.builtin.debug:
    msg: "{{ {'lb1': {'held': ['192.0.2.100']}, 'lb2': {'held': ['192.0.2.100']}}
             | hardway.kubernetes.virtual_address_problems(['lb1', 'lb2'], ['192.0.2.100']) }}"
"""

RETURN = r"""
_value:
  description: One line per virtual IP that none or several hold.
  type: list
  elements: str
"""


def virtual_address_problems(hosts: t.Any, balancers: t.Any, addresses: t.Any) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_health_problems

    return host_health_problems.holder_problems(hosts, balancers, addresses)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"virtual_address_problems": virtual_address_problems}
