# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(desired_nodes)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: desired_nodes
short_description: Return labels and taints of nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the entries of O(hardway.kubernetes.node_settings#module:nodes) from the variables of the hosts.
positional: _input, hostvars, masters, taint_masters
options:
  _input:
    description: Nodes with C(host) and C(name), as the filter C(members) returns them.
    type: list
    elements: dict
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
  masters:
    description: Node names of the masters, which get the label and the taint of the control plane.
    type: list
    elements: str
    required: true
  taint_masters:
    description: Whether masters get the taint if C(node_master_taint) is not set.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Show labels and taints
  ansible.builtin.debug:
    msg: "{{ [{'host': 'n1', 'name': 'n1'}] | hardway.kubernetes.desired_nodes(hostvars, ['n1'], true) }}"
"""

RETURN = r"""
_value:
  description: C(name), C(labels) and C(taints) of each node.
  type: list
  elements: dict
"""


def desired_nodes(nodes: t.Any, hostvars: t.Any, masters: t.Any, taint_masters: bool) -> list[dict[str, t.Any]]:
    """Return them as plain data."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import desired_nodes as inventory

    return inventory.desired_nodes(nodes, hostvars, masters, taint_masters)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"desired_nodes": desired_nodes}
