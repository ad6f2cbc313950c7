# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the state of a cluster and returns its problems. No I/O."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases as kubernetes_leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import node_labels

REFUSED = (401, 403)
# What a kubelet says alone, and with which reason of the runtime, where nothing but a pod network is missing.
NO_NETWORK = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
FLANNEL = "flannel.alpha.coreos.com/"
LEASE = {"public_ip": "public-ip", "backend": "backend-type"}


def pem_to_der(text: str) -> bytes:
    """Return the first certificate of a PEM file: the one that a server shows of itself."""
    import ssl

    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    start = text.index(begin)
    return ssl.PEM_cert_to_DER_cert(text[start : text.index(end, start) + len(end)])


def master_problems(masters: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the API servers and with the way to them."""
    found = []
    for master in masters:
        url = master["url"]
        if master["error"]:
            found.append(f"apiserver {url}: {master['error']}")
            continue
        if not master["ready"]:
            found.append(f"apiserver {url}: not ready: {master['detail']}; see kube-apiserver's journal")
        if master["anonymous"] not in REFUSED:
            found.append(
                f"apiserver {url}: /api answers {master['anonymous']} to an anonymous client, 401 or 403 is right; "
                "restrict anonymous requests to the health paths in the authentication configuration"
            )
    return found


def lease_states(leases: Mapping[str, Optional[dict[str, Any]]], now: datetime.datetime) -> list[dict[str, Any]]:
    """Return holder, age and whether it is held, for each component that elects a leader."""
    return [
        {
            "name": name,
            "holder": ((lease or {}).get("spec") or {}).get("holderIdentity") or "",
            "age": kubernetes_leases.age(lease, now),
            "held": kubernetes_leases.held(lease, now),
        }
        for name, lease in leases.items()
    ]


def lease_problems(states: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the components without a leader."""
    found = []
    for state in states:
        if state["held"]:
            continue
        since = "never renewed" if state["age"] is None else f"last renewed {state['age']:.0f} s ago"
        holder = f"held by {state['holder']}, " if state["holder"] else ""
        found.append(f"lease {state['name']}: {holder}{since}; check {state['name']} on the masters")
    return found


def node_states(nodes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return name, readiness, version, addresses and lease of flannel of each node."""
    states = []
    for node in nodes:
        status = node.get("status") or {}
        ready: dict[str, Any] = next((c for c in status.get("conditions") or [] if c["type"] == "Ready"), {})
        reason = "" if ready.get("status") == "True" else ready.get("message", "its kubelet has not reported")
        states.append(
            {
                "name": node["metadata"]["name"],
                "ready": ready.get("status") == "True",
                "reason": reason,
                "awaits_network": reason.startswith(NO_NETWORK),
                "version": (status.get("nodeInfo") or {}).get("kubeletVersion", ""),
                "addresses": [a["address"] for a in status.get("addresses") or [] if a["type"] == "InternalIP"],
                "unschedulable": bool((node.get("spec") or {}).get("unschedulable", False)),
                "pressure": [
                    f"{c['type']}: {c.get('message', '')}"
                    for c in status.get("conditions") or []
                    if c["type"] != "Ready" and c["status"] == "True"
                ],
                "joining": node_labels.is_joining(node),
                "pod_cidr": (node.get("spec") or {}).get("podCIDR", ""),
                "flannel": _flannel(node["metadata"].get("annotations") or {}),
            }
        )
    return states


def _flannel(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return what flannel has noted at a node: the address and the backend of its lease; empty without a lease."""
    notes = {name: annotations.get(f"{FLANNEL}{key}", "") for name, key in LEASE.items()}
    return notes if notes["public_ip"] else {}


def shared_ranges(states: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the pod ranges that several nodes have, with these nodes."""
    owners: dict[str, list[str]] = {}
    for state in states:
        owners.setdefault(state["pod_cidr"], []).append(state["name"])
    return {cidr: names for cidr, names in owners.items() if cidr and len(names) > 1}


def node_problems(
    states: Sequence[Mapping[str, Any]],
    expected: Sequence[str],
    left_out: Sequence[str] = (),
    awaiting: Sequence[str] = (),
) -> list[str]:
    """Return the nodes that are missing, not ready or not expected.

    Those left out may be missing or not ready, those awaiting a pod network may be not ready.
    """
    known = {state["name"]: state for state in states}
    checked = [
        state for state in states if (not expected or state["name"] in expected) and state["name"] not in left_out
    ]
    unready = [state for state in checked if not state["ready"] and state["name"] not in awaiting]
    found = [
        f"node {name}: not registered; see its kubelet's journal"
        for name in expected
        if name not in known and name not in left_out
    ]
    found += [f"node {state['name']}: not ready: {state['reason']}" for state in unready]
    found += [
        f"node {state['name']}: {word}"
        for state in states
        if state["name"] not in left_out
        for word in state["pressure"]
    ]
    found += [
        f"node {state['name']}: still has the taint {node_labels.JOINING}, so no pod runs there; run add or site again"
        for state in checked
        if state["joining"]
    ]
    found += [
        f"nodes {', '.join(names)}: all have the pod range {cidr}; delete all but one of these Nodes, "
        "and restart their kubelets"
        for cidr, names in shared_ranges(states).items()
    ]
    if expected:
        found += [
            f"node {name}: not in the inventory; add it there, or run remove_node.yml"
            for name in known
            if name not in expected
        ]
    return found


def etcd_refusal_problems(refusals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the etcd endpoints that accept clients they should reject."""
    found = []
    for refusal in refusals:
        if refusal["plaintext"]:
            found.append(f"etcd {refusal['endpoint']}: answers without TLS; remove the http listener")
        if refusal["without_certificate"]:
            found.append(f"etcd {refusal['endpoint']}: answers a client without certificate; set client-cert-auth")
        if refusal["foreign_certificate"]:
            found.append(
                f"etcd {refusal['endpoint']}: accepts a certificate of a foreign CA; "
                "set client-cert-auth and trusted-ca-file"
            )
    return found
