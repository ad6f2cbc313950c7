# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(host_addresses)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import host_addresses

DOCUMENTATION = r"""
name: host_addresses
short_description: Return node names and addresses of hosts
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns node names and addresses from the inventory, without contacting a host.
positional: _input, hostvars
options:
  _input:
    description: Inventory names, for example V(groups['etcd']).
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the addresses of the etcd hosts
  ansible.builtin.debug:
    msg: "{{ groups['etcd'] | hardway.kubernetes.host_addresses(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - One entry per host, in inventory order, with C(host) (inventory name), C(name) (node name), C(address)
      (empty if neither inventory nor facts have one) and C(reached) (whether it has answered in this run).
  type: list
  elements: dict
"""


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"host_addresses": host_addresses}
