# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter upgrade_batches."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: upgrade_batches
short_description: Decide which nodes are upgraded together
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Internal to role node. Evaluate it only once.
positional: _input, nodes, version, batch
options:
  _input:
    description: Hosts of the play, each with C(host) and C(name), that of its node.
    type: list
    elements: dict
    required: true
  nodes:
    description: The nodes that M(hardway.kubernetes.upgrade_info) has returned.
    type: list
    elements: dict
    required: true
  version:
    description: Version that the kubelets get.
    type: str
    required: true
  batch:
    description: How many nodes are upgraded together, a number or a percentage of all nodes.
    type: str
    default: "1"
"""

EXAMPLES = r"""
- name: Decide which nodes are upgraded together
  ansible.builtin.set_fact:
    batches: "{{ nodes | hardway.kubernetes.upgrade_batches(found.nodes, '1.36.2', '10%') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: C(batches) has the inventory names of each batch, C(batch_of) the number of the batch by inventory name,
    and C(before) for each batch the hosts of the batches before.
  type: dict
"""


def upgrade_batches(
    hosts: t.Sequence[t.Mapping[str, t.Any]], nodes: t.Sequence[t.Mapping[str, t.Any]], version: str, batch: str = "1"
) -> dict[str, t.Any]:
    """Return the batches."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import node_batches
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

    try:
        return node_batches.batch_plan(hosts, nodes, version, batch)
    except HardwayError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"upgrade_batches": upgrade_batches}
