# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter node_removal_plan."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: node_removal_plan
short_description: Describe how nodes are removed
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one step a node from the plans of M(hardway.kubernetes.node_drain).
positional: _input, drains, lost
options:
  _input:
    description: Nodes with their C(host) and C(name).
    type: list
    elements: dict
    required: true
  drains:
    description: Results of M(hardway.kubernetes.node_drain) in check mode, in the same order.
    type: list
    elements: dict
    required: true
  lost:
    description: Hosts that are declared lost.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ nodes | hardway.kubernetes.node_removal_plan(drains.results) }}"
"""

RETURN = r"""
_value:
  description:
    - Steps with C(host), C(name), C(lost), C(drain), the plan of M(hardway.kubernetes.node_drain), and C(text), for
      display.
  type: list
  elements: dict
"""


def node_removal_plan(
    nodes: t.Iterable[t.Mapping[str, t.Any]], drains: t.Iterable[t.Mapping[str, t.Any]], lost: t.Iterable[str] = ()
) -> list[dict[str, t.Any]]:
    """Return the steps."""
    gone, found = set(lost), []
    for node, drain in zip(nodes, drains):
        plan = drain.get("plan")
        if node["host"] in gone:
            steps = ["lost and never contacted, it must stay off; its pods are deleted", "delete the node"]
        elif not plan:
            steps = ["not in the cluster any more", "stop kubelet, kube-proxy, flanneld and containerd"]
        else:
            steps = [*_drain(plan), "stop kubelet, kube-proxy, flanneld and containerd", "delete the node"]
        step = {"host": node["host"], "name": node["name"], "lost": node["host"] in gone, "drain": dict(plan or {})}
        found.append({**step, "text": f"{node['name']}: {'; '.join(steps)}"})
    return found


def _drain(plan: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield what the drain does."""
    for verb, kind in (("evict", "evict"), ("lose the bare", "lost")):
        if plan[kind]:
            names = ", ".join(f"{pod['namespace']}/{pod['name']}" for pod in plan[kind])
            yield f"{verb} {'pod' if len(plan[kind]) == 1 else 'pods'} {names}"
    if plan["empty_dirs"]:
        volumes = (f"{item['volume']} of {item['namespace']}/{item['name']}" for item in plan["empty_dirs"])
        yield f"lose what is in emptyDir {', '.join(volumes)}"


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"node_removal_plan": node_removal_plan}
