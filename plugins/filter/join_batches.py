# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(join_batches)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.joining import join_batches

DOCUMENTATION = r"""
name: join_batches
short_description: Decide which nodes join the cluster together
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Internal to role node. It reads the variables of every host, so evaluate it only once.
positional: _input, hostvars, at_once
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
  at_once:
    description: How many hosts with a running kubelet rejoin together. V(0) means all.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Decide which nodes join together
  ansible.builtin.set_fact:
    batches: "{{ ansible_play_hosts | hardway.kubernetes.join_batches(hostvars, 1) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: C(batches) has the inventory names of each batch, C(batch_of) the number of the batch by inventory name,
    and C(before) for each batch the hosts with a running kubelet that rejoin earlier.
  type: dict
"""


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"join_batches": join_batches}
