# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter node_replacement_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: node_replacement_plan
short_description: List Nodes whose machines are gone
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one step for each Node that M(hardway.kubernetes.node_removal) would delete.
positional: _input, removals
options:
  _input:
    description: Nodes with their C(host) and C(name).
    type: list
    elements: dict
    required: true
  removals:
    description: Results of M(hardway.kubernetes.node_removal) in check mode, in the same order.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ nodes | hardway.kubernetes.node_replacement_plan(removals.results) }}"
"""

RETURN = r"""
_value:
  description: Steps with C(host), C(name), C(pods) and C(text), for display. Nodes that do not exist have none.
  type: list
  elements: dict
"""


def node_replacement_plan(
    nodes: t.Iterable[t.Mapping[str, t.Any]], removals: t.Iterable[t.Mapping[str, t.Any]]
) -> list[dict[str, t.Any]]:
    """Return the steps."""
    found = []
    for node, removal in zip(nodes, removals):
        if removal["found"]:
            pods = ", ".join(removal["pods"]) or "none"
            text = f"{node['host']}: delete the Node {node['name']} of the machine that is gone, and its pods: {pods}"
            found.append({"host": node["host"], "name": node["name"], "pods": removal["pods"], "text": text})
    return found


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"node_replacement_plan": node_replacement_plan}
