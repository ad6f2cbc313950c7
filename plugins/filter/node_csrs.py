# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(node_csrs)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.joining import node_csrs

DOCUMENTATION = r"""
name: node_csrs
short_description: Return the CSRs of nodes that join together
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Internal to role node.
positional: _input, hostvars
options:
  _input:
    description: Inventory names.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the CSRs of the nodes
  ansible.builtin.debug:
    msg: "{{ groups['node'] | hardway.kubernetes.node_csrs(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Entries for the option C(nodes) of M(hardway.kubernetes.csr_approval).
  type: list
  elements: dict
"""


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"node_csrs": node_csrs}
