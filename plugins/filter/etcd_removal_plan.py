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
  - Returns one step a host from the results of M(hardway.kubernetes.etcd_member) in check mode.
positional: _input, hosts, directories, unreachable, lost, successors
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
  lost:
    description: Hosts that are declared lost.
    type: list
    elements: str
    default: []
  successors:
    description: By host, the host that is added instead; the host itself if its member is added again.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ removals.results | hardway.kubernetes.etcd_removal_plan(['m3'], ['/var/lib/etcd']) }}"
"""

RETURN = r"""
_value:
  description:
    - Steps with C(host), C(member) as M(hardway.kubernetes.etcd_member) returns it, C(leader_moved_to), C(state)
      (V(lost), V(unreachable) or V(reachable)), C(added), the host that is added instead, and C(text), for display.
  type: list
  elements: dict
"""

WITH_HOST = {
    "lost": "the host is lost and never contacted: it must stay off",
    "unreachable": "the host is unreachable: it must stay off",
    "reachable": "stop etcd, move the data in {moved} aside",
}


def etcd_removal_plan(
    results: t.Iterable[t.Mapping[str, t.Any]],
    hosts: t.Iterable[str],
    directories: t.Iterable[str],
    unreachable: t.Iterable[str] = (),
    lost: t.Iterable[str] = (),
    successors: t.Optional[t.Mapping[str, str]] = None,
) -> list[dict[str, t.Any]]:
    """Return the steps."""
    dead, gone, moved = set(unreachable), set(lost), " and ".join(dict.fromkeys(directories))
    found = []
    for host, result in zip(hosts, results):
        state = "lost" if host in gone else "unreachable" if host in dead else "reachable"
        added = (successors or {}).get(host, "")
        steps = [_removal(result), WITH_HOST[state].format(moved=moved)]
        if added:
            steps.append(f"add {'it' if added == host else added} as a learner, start it, promote it")
        found.append(
            {
                "host": host,
                "member": dict(result["member"]),
                "leader_moved_to": result["leader_moved_to"],
                "state": state,
                "added": added,
                "text": f"{host}: {'; '.join(steps)} (now {result['counted']})",
            }
        )
    return found


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
