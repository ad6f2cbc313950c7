# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter reboot_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: reboot_plan
short_description: Plan the reboots of hosts
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Decides which hosts reboot, in which order, and what stands in the way.
positional: _input, groups, named, infos, nodes, voters, drains, batch
options:
  _input:
    description: All hosts of the cluster, each with C(host) and C(name), that of its node and member.
    type: list
    elements: dict
    required: true
  groups:
    description: Hosts by group, V(etcd), V(master), V(lb) and V(node).
    type: dict
    required: true
  named:
    description: Hosts that may reboot.
    type: list
    elements: str
    required: true
  infos:
    description: Results of M(hardway.kubernetes.boot_info) by host.
    type: dict
    required: true
  nodes:
    description: Result of M(hardway.kubernetes.upgrade_info); empty if no API server answers.
    type: dict
    required: true
  voters:
    description: Members of etcd that have a vote, as M(hardway.kubernetes.etcd_health) returns them.
    type: list
    elements: dict
    required: true
  drains:
    description: Results of M(hardway.kubernetes.node_drain) in check mode, in a loop over the hosts.
    type: list
    elements: dict
    default: []
  batch:
    description: How many nodes reboot together, a number or a percentage of all nodes.
    type: str
    default: "1"
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ hosts | hardway.kubernetes.reboot_plan(groups, ['k1'], infos, found, []) }}"
"""

RETURN = r"""
_value:
  description:
    - C(reasons) has the hosts with the reasons, C(batches) the hosts that reboot together, C(before) by host those of
      the batches before.
    - C(refusals) has the reasons to refuse the reboots, C(text) the steps for display.
  type: dict
"""


def reboot_plan(
    hosts: t.Sequence[t.Mapping[str, t.Any]],
    groups: t.Mapping[str, t.Sequence[str]],
    named: t.Sequence[str],
    infos: t.Mapping[str, t.Mapping[str, t.Any]],
    nodes: t.Mapping[str, t.Any],
    voters: t.Sequence[t.Mapping[str, t.Any]],
    drains: t.Iterable[t.Mapping[str, t.Any]] = (),
    batch: str = "1",
) -> dict[str, t.Any]:
    """Return the plan."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import reboot

    return reboot.plan(
        reboot.Facts(
            hosts=[{**host, "groups": [name for name in groups if host["host"] in groups[name]]} for host in hosts],
            named=named,
            infos=infos,
            nodes=nodes.get("nodes") or [],
            apis="nodes" in nodes,
            voters=voters,
            drains={one["node"]: one for one in drains},
            batch=batch,
        )
    )


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"reboot_plan": reboot_plan}
