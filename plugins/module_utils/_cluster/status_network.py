# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the pod network for the status of a cluster: flannel's leases, or the network that is awaited. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.cluster_problems import shared_ranges
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import Finding, State
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

COLUMNS = ("Node", "Subnet", "Public IP", "Backend")


def findings(state: State) -> Iterator[Finding]:
    """Yield subnets and addresses that several nodes have, nodes without a lease, and the network that is awaited."""
    for subnet, names in shared_ranges(state.nodes).items():
        reason = f"the subnet of {' and '.join(names)}, so packets to their pods are lost"
        remedy = f"keep one, run kubectl delete node for the others, and restart their kubelets: {', '.join(names)}"
        yield Finding("critical", "network", f"pod subnet {subnet}", reason, remedy)
    if state.awaiting:
        reason = f"awaited on {shortened(state.awaiting)}, so no pod runs there"
        yield Finding("warning", "network", "pod network", reason, "install it, see docs/pod-network.md")
    if not _has_leases(state):
        return
    owners: dict[str, list[str]] = {}
    for node in state.nodes:
        if node["flannel"]:
            owners.setdefault(node["flannel"]["public_ip"], []).append(node["name"])
        elif node["ready"]:
            host = next((one["host"] for one in state.group("nodes") if one["name"] == node["name"]), node["name"])
            remedy = f"run journalctl -u flanneld on {host}"
            yield Finding("warning", "network", f"node {node['name']}", "has no lease of flannel", remedy)
    for address, names in owners.items():
        if len(names) > 1:
            reason = f"in the leases of {' and '.join(names)}, so packets to their pods reach one of them"
            remedy = "give each its own flannel_public_ip or cluster_node_ip, and run site.yml"
            yield Finding("critical", "network", f"public IP {address}", reason, remedy)


def _has_leases(state: State) -> bool:
    """Return whether the Nodes have flannel's leases."""
    return state.cni == "flannel" and state.inventory.get("flannel_store", "kubernetes") == "kubernetes"


def rows(state: State) -> list[tuple[str, list[str]]]:
    """Return severity and cells of each lease."""
    if not _has_leases(state):
        return []
    shared = {name for names in shared_ranges(state.nodes).values() for name in names}
    return [
        (
            "critical" if node["name"] in shared else "ok" if lease else "warning",
            [node["name"], node["pod_cidr"] or "–", lease.get("public_ip") or "none", lease.get("backend") or "–"],
        )
        for node in state.nodes
        for lease in [node["flannel"]]
    ]


def summary(state: State) -> str:
    """Return the pod network in one line."""
    if not state.api_answers:
        return "unknown, because the API does not answer"
    if state.cni != "flannel":
        where = f"awaited on {shortened(state.awaiting)}" if state.awaiting else "nodes have one"
        return f"installed by you (cluster_cni is {state.cni}) · {where}"
    if not _has_leases(state):
        return "flannel · leases in etcd"
    leases = [node["flannel"] for node in state.nodes if node["flannel"]]
    backends = sorted({lease["backend"] for lease in leases if lease["backend"]})
    return " · ".join(
        [f"flannel {' and '.join(backends)}".strip(), f"{len(leases)} of {len(state.nodes)} nodes have a lease"]
    )
