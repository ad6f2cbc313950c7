#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module node_settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_settings
short_description: Labels and taints of nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Gives nodes their labels and taints, and takes away what an earlier run gave them and nobody asks for any more.
  - Labels and taints of anybody else are left alone. What is ours is recorded in an annotation of the node.
  - A node that has not joined yet is passed over.
extends_documentation_fragment:
  - hardway.kubernetes.api
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  nodes:
    description: The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      labels:
        description: Its labels.
        type: dict
        default: {}
      taints:
        description: Its taints.
        type: list
        elements: dict
        default: []
        suboptions:
          key:
            description: Key of the taint.
            type: str
            required: true
          value:
            description: Value of the taint.
            type: str
          effect:
            description: What becomes of pods that do not tolerate it.
            type: str
            required: true
            choices: [NoSchedule, PreferNoSchedule, NoExecute]
"""

EXAMPLES = r"""
- name: Keep ordinary pods from a node with a disk of its own
  hardway.kubernetes.node_settings:
    servers: [https://192.0.2.11:6443]
    nodes:
      - name: k4
        labels: {example.org/disk: nvme}
        taints: [{key: example.org/disk, effect: NoSchedule}]
"""

RETURN = r"""
nodes:
  description: Names of the nodes that changed, or would.
  returned: always
  type: list
  elements: str
  sample: [k4]
"""

from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils import _node_settings
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kube import ARGUMENTS, Api, ApiError

TAINT = {
    "key": {"type": "str", "required": True, "no_log": False},
    "value": {"type": "str"},
    "effect": {"type": "str", "required": True, "choices": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
}
NODE = {
    "name": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "list", "elements": "dict", "options": TAINT, "default": []},
}
SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "nodes": {"type": "list", "elements": "dict", "options": NODE, "required": True},
}
NODES = "/api/v1/nodes"
TRIES = 5


def look(api: Api, check: bool) -> dict[str, dict[str, Any]]:
    """Return the nodes by name; none where a check mode finds no API yet."""
    try:
        return {item["metadata"]["name"]: item for item in api.get(NODES).get("items") or []}
    except ApiError as exc:
        if check and exc.status == 0:
            return {}
        raise


def settle(api: Api, node: dict[str, Any], want: dict[str, Any], check: bool) -> Optional[dict[str, str]]:
    """Bring one node to what is wanted; return the difference, None without one."""
    labels = {key: str(value) for key, value in want["labels"].items()}
    taints = [{key: value for key, value in taint.items() if value} for taint in want["taints"]]
    name, before = want["name"], node
    for left in reversed(range(TRIES)):
        patch = _node_settings.patch_of(node, labels, taints)
        if patch is None:
            break
        after = _node_settings.patched(node, patch)
        try:
            if not check:
                api.patch(f"{NODES}/{name}", patch)
        except ApiError as exc:
            # Kubelet and controllers write there all the time.
            if exc.status != 409 or not left:
                raise
            node = api.get(f"{NODES}/{name}")
            continue
        return {
            "before_header": name,
            "after_header": name,
            "before": _node_settings.lines(before),
            "after": _node_settings.lines(after),
        }
    return None


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    api = Api.of(params)
    known = look(api, check)
    changes = {}
    for want in params["nodes"]:
        node = known.get(want["name"])
        if node is None and check and (want["labels"] or want["taints"]):
            node = {"metadata": {"name": want["name"]}}
        change = settle(api, node, want, check) if node else None
        if change:
            changes[want["name"]] = change
    return {"changed": bool(changes), "nodes": list(changes), "diff": list(changes.values())}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
