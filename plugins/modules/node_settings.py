#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module node_settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_settings
short_description: Manage labels and taints of nodes
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Sets labels and taints of nodes, and removes those that an earlier run set and that are no longer wanted.
  - Other labels and taints are left alone. Those set by this module are recorded in the ConfigMap C(hardway-nodes) in
    C(kube-system), which nodes cannot read or write.
  - A node that has not joined yet is skipped.
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
    description: Nodes with their wanted labels and taints.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      labels:
        description: Labels of the node.
        type: dict
        default: {}
      taints:
        description: Taints of the node.
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
            description: Effect on pods that do not tolerate the taint.
            type: str
            required: true
            choices: [NoSchedule, PreferNoSchedule, NoExecute]
  expected:
    description: Names of nodes whose kubelets run. Waits until they are registered, see RV(missing).
    type: list
    elements: str
    default: []
  annotation:
    description: Annotation that registered O(expected) nodes must have. Pod networks set such annotations.
    type: str
  joined:
    description:
      - Names of O(nodes) from which the taint C(hardway/joining:NoSchedule) is removed. Playbook add registers nodes
        with it, so that no pod runs there until their network was tested.
      - Waits until these nodes are Ready. One that is not keeps the taint, see RV(joining).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for O(expected) nodes, and for O(joined) nodes to be Ready.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Reserve a node with a fast disk
  hardway.kubernetes.node_settings:
    servers: [https://192.0.2.11:6443]
    nodes:
      - name: k4
        labels: {example.org/disk: nvme}
        taints: [{key: example.org/disk, effect: NoSchedule}]
"""

RETURN = r"""
nodes:
  description: Names of the nodes that changed (or would).
  returned: always
  type: list
  elements: str
  sample: [k4]
missing:
  description: Names of O(expected) nodes that are not registered.
  returned: always
  type: list
  elements: str
  sample: []
unannotated:
  description: Names of registered O(expected) nodes without O(annotation).
  returned: always
  type: list
  elements: str
  sample: []
joining:
  description: Names of O(expected) and O(joined) nodes that still have the taint C(hardway/joining:NoSchedule).
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import node_labels
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, ApiError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.node_labels import NONE, RECORDS

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
    "expected": {"type": "list", "elements": "str", "default": []},
    "annotation": {"type": "str"},
    "joined": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 20},
}
NODES = "/api/v1/nodes"
MAPS = "/api/v1/namespaces/kube-system/configmaps"
TRIES = 5


class Settings:
    """The nodes, the record of our labels and taints, and the changes to both."""

    def __init__(self, api: Api, check: bool) -> None:
        """Start without data; see read()."""
        self.api, self.check = api, check
        self.known: dict[str, dict[str, Any]] = {}
        self.records: dict[str, dict[str, list[str]]] = {}
        self.recorded = False

    def read(self) -> None:
        """Read the nodes and the record; nothing in check mode without an API."""
        try:
            self._read_nodes()
            found = self.api.find(f"{MAPS}/{RECORDS}")
        except ApiError as exc:
            if not self.check or exc.status != 0:
                raise
            return
        self.recorded, self.records = found is not None, node_labels.records_of(found)

    def _read_nodes(self) -> None:
        self.known = {item["metadata"]["name"]: item for item in self.api.items(NODES)}

    def wait_for(self, expected: list[str], timeout: float) -> list[str]:
        """Wait for the expected nodes and return those that are not registered."""

        def absent() -> list[str]:
            unregistered = sorted(set(expected) - set(self.known))
            if unregistered and not self.check:
                self._read_nodes()
            return sorted(set(expected) - set(self.known))

        return wait_until(absent, lambda names: not names, timeout=0 if self.check else timeout)[1]

    def wait_for_ready(self, joined: list[str], timeout: float) -> set[str]:
        """Wait until those of these nodes that have the taint of joining nodes are Ready; return which are."""

        def unready() -> list[str]:
            found = [name for name in self.joining(joined) if not is_ready(self.known[name])]
            if found and not self.check:
                self._read_nodes()
            return [name for name in self.joining(joined) if not is_ready(self.known[name])]

        left = wait_until(unready, lambda names: not names, timeout=0 if self.check else timeout)[1]
        return set(self.joining(joined)) - set(left)

    def joining(self, names: list[str]) -> list[str]:
        """Return those of the nodes that have the taint of joining nodes."""
        return sorted({name for name in names if name in self.known and node_labels.is_joining(self.known[name])})

    def write(self, entries: dict[str, Optional[str]]) -> None:
        """Change the record; None removes an entry."""
        if self.check or not entries:
            return
        if self.recorded:
            self.api.patch(f"{MAPS}/{RECORDS}", {"data": entries})
            return
        labels = {"app.kubernetes.io/managed-by": "hardway"}
        data = {name: text for name, text in entries.items() if text is not None}
        self.api.post(MAPS, {"metadata": {"name": RECORDS, "labels": labels}, "data": data})
        self.recorded = True

    def update_node(self, want: dict[str, Any], joined: bool = False) -> Optional[dict[str, str]]:
        """Update the labels and taints of one node; return the difference, or None."""
        name, labels, taints = want["name"], want["labels"], want["taints"]
        node = before = self.known[name]
        ours = self.records.get(name, NONE)
        if joined:
            ours = node_labels.both(ours, {"labels": [], "taints": [node_labels.JOINING]})
        for left in reversed(range(TRIES)):
            patch = node_labels.patch_of(node, labels, taints, ours)
            if patch is None:
                break
            after = node_labels.patched(node, patch)
            try:
                if not self.check:
                    self.api.patch(f"{NODES}/{name}", patch)
            except ApiError as exc:
                # The kubelet and controllers update nodes frequently.
                if exc.status != 409 or not left:
                    raise
                node = self.api.get(f"{NODES}/{name}")
                continue
            return difference(name, before, after)
        return None


def difference(name: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return Ansible's diff of one node."""
    lines = node_labels.lines
    return {"before_header": name, "after_header": name, "before": lines(before), "after": lines(after)}


def plain(want: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of option nodes with its values in the form of the API."""
    labels = {key: str(value) for key, value in want["labels"].items()}
    taints = [{key: value for key, value in taint.items() if value} for taint in want["taints"]]
    return {"name": want["name"], "labels": labels, "taints": taints}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    settings = Settings(Api.of(params), check)
    settings.read()
    missing = settings.wait_for(params["expected"], params["timeout"])
    ready = settings.wait_for_ready(params["joined"], params["timeout"])
    unannotated = node_labels.unannotated(settings.known, params["expected"], params["annotation"])
    wanted = [plain(want) for want in params["nodes"]]
    for want in wanted:
        if check and want["name"] not in settings.known and (want["labels"] or want["taints"]):
            settings.known[want["name"]] = {"metadata": {"name": want["name"]}}
    wanted = [want for want in wanted if want["name"] in settings.known]
    changes: dict[str, dict[str, str]] = {}
    first: dict[str, Optional[str]] = {}
    last: dict[str, Optional[str]] = {}
    for want in wanted:
        before = settings.records.get(want["name"], NONE)
        owned = node_labels.owned_by(want["labels"], want["taints"])
        union = node_labels.both(before, owned)
        if union != before:
            first[want["name"]] = node_labels.record(union)
        if owned != union:
            last[want["name"]] = node_labels.record(owned)
    named = {want["name"] for want in params["nodes"]}
    last.update({name: None for name in settings.records if name not in named and name not in settings.known})
    # Record labels and taints before setting them and until after removing them: a run may be interrupted at any time.
    settings.write(first)
    for want in wanted:
        change = settings.update_node(want, want["name"] in ready)
        if change or want["name"] in first or want["name"] in last:
            node = settings.known[want["name"]]
            changes[want["name"]] = change or difference(want["name"], node, node)
    settings.write(last)
    return {
        "changed": bool(changes),
        "nodes": list(changes),
        "missing": missing,
        "unannotated": unannotated,
        "joining": [name for name in settings.joining(params["expected"] + params["joined"]) if name not in ready],
        "diff": list(changes.values()),
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
