# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which nodes join together, and returns their CSRs; once per run."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import node_name

# Reasons of module pki_certificate by which a kubelet has no certificate that serves.
_LOST = re.compile(r"certificate: |expiry: expired")
_NEW = ["certificate: unknown"]
Hosts = t.Mapping[str, t.Mapping[str, t.Any]]


def reasons_of(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return why a host's kubelet needs another certificate; nothing where it does not."""
    observed = (variables.get("_node_pki") or {}).get("observed") or [{}]
    return [str(reason) for reason in observed[0].get("reasons", _NEW)]


def join_batches(hosts: t.Iterable[str], hostvars: Hosts, at_once: int) -> dict[str, t.Any]:
    """Return the hosts of each batch, the number of the batch by host, and for each batch the running ones before it.

    Hosts whose kubelet has no valid certificate are the first batch. Those whose kubelet runs follow, ``at_once`` of
    them together, or all if it is 0.
    """
    without: list[str] = []
    running: list[str] = []
    for host in map(str, hosts):
        reasons = reasons_of(hostvars[host])
        if reasons:
            (without if any(map(_LOST.match, reasons)) else running).append(host)
    size = at_once or len(running) or 1
    batches = ([without] if without else []) + [running[start : start + size] for start in range(0, len(running), size)]
    batch_of = {host: number for number, batch in enumerate(batches) for host in batch}
    before = [[host for host in running if batch_of[host] < number] for number in range(len(batches))]
    return {"batches": batches, "batch_of": batch_of, "before": before}


def node_csrs(hosts: t.Iterable[str], hostvars: Hosts) -> list[dict[str, t.Any]]:
    """Return the entries of option ``nodes`` of module csr_approval for hosts whose keys are made."""
    found = []
    for host in map(str, hosts):
        variables = hostvars[host]
        request = str((variables.get("_node_kubelet_csr") or {}).get("request") or "")
        found.append({"name": node_name(host, variables), "request": request, "stopped": True})
    return found
