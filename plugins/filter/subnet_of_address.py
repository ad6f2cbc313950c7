# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(subnet_of_address)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: subnet_of_address
short_description: Return the subnet of the interface that has an address
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Searches the facts of a host for the subnet of one of its addresses, either primary or secondary.
positional: _input, facts
options:
  _input:
    description: Address.
    type: str
    required: true
  facts:
    description: C(ansible_facts) of the host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the network of the node
  ansible.builtin.debug:
    msg: "{{ cluster_node_ip | hardway.kubernetes.subnet_of_address(ansible_facts) }}"
"""

RETURN = r"""
_value:
  description: Subnet as CIDR. Empty if no interface has the address.
  type: str
"""


def subnet_of_address(address: t.Any, facts: t.Any) -> str:
    """Return the subnet that address is in."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import hosts

    return str(hosts.subnet_of_address(str(address), facts) or "")


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"subnet_of_address": subnet_of_address}
