# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(batch_size)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: batch_size
short_description: Return how many nodes a batch has
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns how many nodes C(cluster_batch) is, at least one.
positional: _input, nodes
options:
  _input:
    description: A number, or a percentage of all nodes, such as V(10%).
    type: str
    required: true
  nodes:
    description: How many nodes the cluster has.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show how many nodes a batch has
  ansible.builtin.debug:
    msg: "{{ '10%' | hardway.kubernetes.batch_size(200) }}"
"""

RETURN = r"""
_value:
  description: The number.
  type: int
"""


def batch_size(asked: str, nodes: int) -> int:
    """Return the number."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import node_batches
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

    try:
        return node_batches.batch_size(asked, nodes)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"batch_size": batch_size}
