# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of nodes, as the inventory sets them."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
Hosts = t.Mapping[str, t.Mapping[str, t.Any]]


def desired_nodes(
    nodes: t.Iterable[t.Mapping[str, t.Any]], hostvars: Hosts, masters: t.Container[str], taint_masters: bool
) -> list[dict[str, t.Any]]:
    """Return name, labels and taints of each node, as the kubelet registers it.

    taint_masters is the default of C(node_master_taint).
    """
    found = []
    for node in nodes:
        variables = hostvars[node["host"]]
        labels = converted(variables.get("node_labels", {}), "dict", "str")
        taints = [converted(taint, "dict", "str") for taint in converted(variables.get("node_taints", []), "list")]
        if node["name"] in masters:
            labels = {**labels, CONTROL_PLANE: ""}
            if converted(variables.get("node_master_taint", taint_masters), "bool"):
                taints.append({"key": CONTROL_PLANE, "effect": "NoSchedule"})
        found.append({"name": node["name"], "labels": labels, "taints": taints})
    return found
