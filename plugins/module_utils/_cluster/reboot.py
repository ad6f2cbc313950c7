# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans which hosts reboot, in which order, and what stands in the way. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.node_batches import batch_size, batches
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import OURS

Object = Mapping[str, Any]
# Of these groups, one host at a time.
CONTROL = ("etcd", "master", "lb")
LEFT = "left unfinished by an interrupted run"
# With fewer voters, etcd has no quorum without one of them.
REDUNDANT = 3


@dataclass(frozen=True)
class Facts:
    """What reboots are planned from.

    hosts are all hosts of the cluster, each with the names of its groups; named those that may reboot; infos are the
    results of module boot_info by host, without unreachable ones; nodes those of module upgrade_info, and apis is
    whether an API server answers; drains are the results of module node_drain in check mode by node; voters are the
    etcd members with a vote.
    """

    hosts: Sequence[Object]
    named: Sequence[str]
    infos: Mapping[str, Object]
    nodes: Sequence[Object]
    apis: bool
    voters: Sequence[Object]
    drains: Mapping[str, Object]
    batch: str = "1"


def plan(facts: Facts) -> dict[str, Any]:
    """Return the hosts with their reasons, their batches, refusals, and a text of all."""
    reasons = due(facts)
    try:
        found = _batches(facts, reasons)
    except HardwayError as exc:
        return {"reasons": {}, "batches": [], "reboots": [], "before": {}, "refusals": [str(exc)], "text": []}
    return {
        "reasons": reasons,
        "batches": found,
        "reboots": [host for host in reasons if reboots(reasons[host])],
        "before": {
            host: [one for batch in found[:n] for one in batch] for n, batch in enumerate(found) for host in batch
        },
        "refusals": [*_refusals(facts, reasons, [host for batch in found for host in batch])],
        "text": [*_text(facts, reasons, found)],
    }


def due(facts: Facts) -> dict[str, list[str]]:
    """Return the hosts that reboot, or that an interrupted run has left unfinished, with the reasons."""
    cordoned = {node["name"] for node in facts.nodes if node["cordoned_by"] == OURS}
    found = {}
    for host in facts.hosts:
        if host["host"] in facts.named:
            reasons = [*(facts.infos.get(host["host"]) or {}).get("reasons", [])]
            if "node" in host["groups"] and host["name"] in cordoned:
                reasons.append(LEFT)
            if reasons:
                found[host["host"]] = reasons
    return found


def reboots(reasons: Iterable[str]) -> bool:
    """Return whether a host reboots for these reasons."""
    return any(reason != LEFT for reason in reasons)


def _is_control(host: Object) -> bool:
    return any(group in CONTROL for group in host["groups"])


def _batches(facts: Facts, reasons: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the hosts in batches: the control plane first, before it what was left unfinished, which others need."""
    size = batch_size(facts.batch, len(facts.nodes))
    zone_of = {node["name"]: node["zone"] for node in facts.nodes}
    found = []
    for left in (True, False):
        hosts = [host for host in facts.hosts if host["host"] in reasons and (LEFT in reasons[host["host"]]) == left]
        zones = {host["host"]: zone_of.get(host["name"]) for host in hosts}
        found += [[host["host"]] for host in hosts if _is_control(host)]
        found += batches(
            [host["host"] for host in hosts if not _is_control(host)],
            size,
            {host: zone for host, zone in zones.items() if zone},
        )
    return found


def _refusals(facts: Facts, reasons: Mapping[str, Sequence[str]], order: Sequence[str]) -> Iterable[str]:
    """Yield what stands in the way; an interrupted run may have stopped a host, which is back before the next one."""
    unreachable = [host for host in facts.named if host not in facts.infos]
    if unreachable:
        yield (
            f"{shortened(unreachable)}: unreachable; bring the hosts back, name the others with -e hosts=, or, if they "
            "are gone for good, declare them lost with -e lost="
        )
    rebooting = [host for host in facts.hosts if reboots(reasons.get(host["host"], ()))]
    if not facts.apis and any("node" in host["groups"] for host in rebooting):
        yield "API servers: none answers, so no node can be drained; repair them first (run status)"
    for host in rebooting:
        yield from _quorum(facts, host, order[: order.index(host["host"])])
        # A drain in check mode that is refused has a message.
        if "node" in host["groups"] and "msg" in facts.drains.get(host["name"], {}):
            yield str(facts.drains[host["name"]]["msg"])
    balancers = [host["host"] for host in facts.hosts if "lb" in host["groups"]]
    if len(balancers) > 1:
        serving = {one for one in balancers if _serves(facts.infos.get(one) or {})}
        for host in rebooting:
            back = set(balancers).intersection(order[: order.index(host["host"])])
            if "lb" in host["groups"] and not (serving | back) - {host["host"]}:
                yield f"{host['host']}: no other load balancer runs haproxy; repair one of the others first"


def _serves(info: Object) -> bool:
    return ((info.get("units") or {}).get("haproxy") or {}).get("active") == "active"


def _quorum(facts: Facts, host: Object, back: Sequence[str]) -> Iterable[str]:
    """Yield why etcd would lose its quorum without a host."""
    if "etcd" not in host["groups"] or len(facts.voters) < REDUNDANT:
        return
    host_of = {one["address"]: one["host"] for one in facts.hosts}
    members = [(host_of.get(urlsplit(one["endpoint"]).hostname), one["healthy"]) for one in facts.voters]
    left = [name for name, healthy in members if name != host["host"] and (healthy or name in back)]
    needed = len(facts.voters) // 2 + 1
    if len(left) < needed:
        yield (
            f"{host['host']}: without it, {len(left)} of {len(facts.voters)} voters of etcd are healthy, and {needed} "
            "are needed; repair the others first"
        )


def _text(facts: Facts, reasons: Mapping[str, Sequence[str]], found: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield the steps, for display."""
    if not found:
        yield f"No host needs a reboot: {shortened(sorted(facts.named))}."
    hosts = {host["host"]: host for host in facts.hosts}
    for batch in found:
        yield "; ".join(f"{_step(hosts[host], reasons[host])}: {', '.join(reasons[host])}" for host in batch)
    rebooting = [hosts[host] for host in reasons if reboots(reasons[host])]
    if 0 < len(facts.voters) < REDUNDANT and any("etcd" in host["groups"] for host in rebooting):
        yield "etcd has fewer than three voters, so the API does not answer while the host of one reboots."
    elif sum("master" in host["groups"] for host in facts.hosts) == 1 and any(
        "master" in one["groups"] for one in rebooting
    ):
        yield "There is one API server, so the API does not answer while its host reboots."


def _step(host: Object, reasons: Iterable[str]) -> str:
    is_node = "node" in host["groups"]
    if not reboots(reasons):
        return f"Finish {host['host']}"
    return f"{'Drain and reboot' if is_node else 'Reboot'} {host['host']}"
