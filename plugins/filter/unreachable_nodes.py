# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(unreachable_nodes)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: unreachable_nodes
short_description: Decide which hosts that do not answer a run leaves out
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Of the hosts that do not answer, returns those that C(cluster_unreachable_nodes) allows to leave out.
  - Only hosts of group C(node) alone can be left out. If there are more than
    the number or percentage, none is.
positional: _input, groups, allowed
options:
  _input:
    description: Hosts that do not answer.
    type: list
    elements: str
    required: true
  groups:
    description: Hosts of each group, by the names of the groups in the collection.
    type: dict
    required: true
  allowed:
    description: One number, one percentage of all nodes, rounded down, or names of hosts.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the hosts that are left out
  ansible.builtin.debug:
    msg: "{{ ['w7'] | hardway.kubernetes.unreachable_nodes({'master': ['m1'], 'node': ['w7', 'w8']}, ['50%']) }}"
"""

RETURN = r"""
_value:
  description: C(hosts) are left out; C(problem) is why those of a number or percentage are not, empty otherwise.
  type: dict
"""


def unreachable_nodes(unreachable: t.Any, groups: t.Any, allowed: t.Any = ()) -> dict[str, t.Any]:
    """Return the hosts and the problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import left_out

    return left_out.left_out(unreachable, groups, allowed)._asdict()


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"unreachable_nodes": unreachable_nodes}
