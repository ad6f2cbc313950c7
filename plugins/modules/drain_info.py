#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports what drains of nodes would evict."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drain_info
short_description: Report what drains of nodes would evict
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Makes the plan of M(hardway.kubernetes.node_drain) for each of the nodes,
    as if it alone were drained. Nothing is changed.
  - Nodes and pods of the cluster are read once for all of them. Disruption
    budgets and webhooks are asked by a dry run of each eviction.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  nodes:
    description: Names of the nodes.
    type: list
    elements: str
    required: true
  force_pdb:
    description: As in M(hardway.kubernetes.node_drain).
    type: bool
    default: false
  force_room:
    description: As in M(hardway.kubernetes.node_drain).
    type: bool
    default: false
  delete_bare:
    description: As in M(hardway.kubernetes.node_drain).
    type: bool
    default: false
  resumed_nodes_return:
    description: As in M(hardway.kubernetes.node_drain).
    type: bool
    default: false
seealso:
  - module: hardway.kubernetes.node_drain
"""

EXAMPLES = r"""
- name: Report what drains of two nodes would evict
  hardway.kubernetes.drain_info:
    servers: [https://192.0.2.11:6443]
    nodes: [k4, k5]
  register: drains
"""

RETURN = r"""
drains:
  description: One entry for each node, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node.
      type: str
      returned: always
      sample: k4
    plan:
      description: The plan, as returned by M(hardway.kubernetes.node_drain).
      type: dict
      returned: if the node exists
      sample: {"name": "k4", "evicted": [], "lost": []}
    msg:
      description: Why the drain would be refused.
      type: str
      returned: if it would be refused
      sample: "node k4: default/debug: no controller would start it again"
"""

from functools import partial
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.eviction import Everything
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.node_drain import Drain

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "nodes": {"type": "list", "elements": "str", "required": True},
    "force_pdb": {"type": "bool", "default": False},
    "force_room": {"type": "bool", "default": False},
    "delete_bare": {"type": "bool", "default": False},
    "resumed_nodes_return": {"type": "bool", "default": False},
}
# Options of module node_drain that a plan does not need.
OTHERS = {"state": "drained", "timeout": 0, "grace_period": -1, "wait_for_pdb": False, "required": False}
# Plans at a time, each with up to ten evictions.
LIMIT = 4


def planned(params: dict[str, Any], everything: Everything, node: str) -> dict[str, Any]:
    """Return the plan of one node."""
    work = Drain({**OTHERS, **params, "node": node}, check=True, everything=everything)
    found: dict[str, Any] = {"node": node}
    try:
        work.run()
    except HardwayError as exc:
        found["msg"] = str(exc)
    return {**found, "plan": work.plan} if work.plan else found


def run(params: dict[str, Any], _check: bool) -> dict[str, Any]:
    """Return the module's result."""
    if not params["nodes"]:
        return {"changed": False, "drains": []}
    everything = Everything.read(params)
    return {
        "changed": False,
        "drains": map_concurrently(partial(planned, params, everything), params["nodes"], LIMIT),
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
