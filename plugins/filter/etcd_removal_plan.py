# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter etcd_removal_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: etcd_removal_plan
short_description: Describe how etcd members are removed
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one line a host from the results of M(hardway.kubernetes.etcd_member) in check mode.
positional: _input, hosts, directories, unreachable, replace
options:
  _input:
    description: Results of O(ignore:state=absent) in check mode.
    type: list
    elements: dict
    required: true
  hosts:
    description: Inventory names of the hosts, in the order of the results.
    type: list
    elements: str
    required: true
  directories:
    description: Directories with the data of etcd.
    type: list
    elements: str
    required: true
  unreachable:
    description: Hosts that do not respond.
    type: list
    elements: str
    default: []
  replace:
    description: Whether the members are added again.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ removals.results | hardway.kubernetes.etcd_removal_plan(['m3'], ['/var/lib/etcd']) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def etcd_removal_plan(
    results: t.Iterable[t.Mapping[str, t.Any]],
    hosts: t.Iterable[str],
    directories: t.Iterable[str],
    unreachable: t.Iterable[str] = (),
    replace: bool = False,
) -> list[str]:
    """Return the lines."""
    dead, moved = set(unreachable), " and ".join(dict.fromkeys(directories))
    lines = []
    for host, result in zip(hosts, results):
        steps = [_removal(result)]
        if host in dead:
            steps.append("the host is unreachable: it must stay off")
        else:
            steps.append(f"stop etcd, move the data in {moved} aside")
        steps += ["add it as a learner, start it, promote it"] if replace else []
        lines.append(f"{host}: {'; '.join(steps)} (now {result['counted']})")
    return lines


def _removal(result: t.Mapping[str, t.Any]) -> str:
    """Return the first step."""
    member = result["member"]
    if not member:
        return "not in the member list any more"
    kind = f"{'healthy' if member['healthy'] else 'dead'} {'learner' if member['learner'] else 'voter'}"
    leader = f"{result['leader_moved_to']} becomes the leader; " if result["leader_moved_to"] else ""
    return f"{leader}remove the {kind} {member['id']}"


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"etcd_removal_plan": etcd_removal_plan}
