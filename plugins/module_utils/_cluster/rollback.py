# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the way back from an upgrade of Kubernetes: nodes first, then the control plane if it soaks. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import upgrade, upgrade_state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import VERSION, minor, order
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

NOTHING = "Nothing to go back from: no upgrade to another minor is recorded."


def plan(facts: upgrade.Facts) -> dict[str, Any]:
    """Return what goes back to which version, with the state in which it begins, refusals, and a text of all.

    ``nodes`` and ``masters`` are whether these go back; ``version`` is that of the API servers before, ``down`` are the
    hosts of those that do not answer, ``then`` is what to know afterwards. The state says to which version.
    """
    former = facts.state.get("former", "")
    known = all(VERSION.fullmatch(runs) for runs in (*facts.servers.values(), *facts.kubelets.values()))
    version = max(facts.servers.values(), key=order, default="") if known else ""
    found: dict[str, Any] = {"to": former, "version": version, "nodes": False, "masters": False}
    found |= {"state": {}, "refusals": [], "then": [], "down": sorted(facts.down)}
    if not version:
        problem = "the versions of the cluster are unknown; check its API servers with verify"
        return {**found, "refusals": [problem], "text": []}
    newer = sorted(host for host, runs in facts.servers.items() if minor(runs) > minor(former))
    if not former or (newer and not upgrade_state.is_next(former, version)):
        return {**found, "text": [NOTHING]}
    moved = sorted(node for node, runs in facts.kubelets.items() if minor(runs) > minor(former))
    opened = is_open(facts, newer)
    # Where the upgrade had not begun, its record ends.
    masters = opened or not (newer or facts.down)
    stays = bool(newer) and not masters and not facts.down and len(newer) == len(facts.servers)
    nodes = bool(moved) or (stays and not facts.state.get("nodes")) or (bool(facts.cordoned) and not masters)
    state = {name: value for name, value in facts.state.items() if masters or name == "former"}
    state["nodes"] = facts.state.get("nodes") or former
    found |= {"nodes": nodes, "masters": masters, "state": state if nodes or masters else {}}
    found["refusals"] = [*upgrade.refusals(facts, [former], moved)] if nodes or masters else []
    found["then"] = [*_then(former, version, masters)] if nodes or masters else []
    return {**found, "text": [*_text(facts, former, version, newer, moved, opened), *found["then"]]}


def is_open(facts: upgrade.Facts, newer: Sequence[str]) -> bool:
    """Return whether API servers may go back: all newer ones emulate the former minor, and did so since the upgrade."""
    emulated = facts.state.get("emulated", "")
    return (
        bool(newer or facts.down)
        and emulated == upgrade_state.short(facts.state["former"])
        and all(facts.emulates.get(host) == emulated for host in newer)
    )


def _text(
    facts: upgrade.Facts, former: str, version: str, newer: Sequence[str], moved: Sequence[str], opened: bool
) -> Iterable[str]:
    """Yield which ways back are open, and why the others are not."""
    if moved:
        yield f"Nodes: can go back: {shortened(moved)} to {former}, drained, before the control plane"
    else:
        yield f"Nodes: none is newer than {former}"
    if facts.cordoned:
        yield f"Nodes {shortened(sorted(facts.cordoned))}: left by an interrupted run, and finished by this one"
    if opened:
        going = shortened(sorted([*newer, *facts.down]))
        yield f"Control plane: can go back, since it soaks: {going} to {former}, one host at a time"
    elif newer:
        yield f"Control plane: cannot go back: {upgrade_state.no_way(former, version)}"
    else:
        yield f"Control plane: runs {upgrade_state.short(former)}, and does not soak"
    if facts.down:
        yield f"API servers: those of {shortened(sorted(facts.down))} do not answer"
    if newer and not opened and len(newer) < len(facts.servers):
        yield f"API servers: {shortened(newer)} run {version}, others {former}; finish: upgrade.yml -e to={version}"


def _then(former: str, version: str, masters: bool) -> Iterable[str]:
    """Yield what site.yml needs afterwards, and how the upgrade is done again."""
    if masters:
        yield f"Afterwards, set cluster_kubernetes_version to {former} where the inventory sets it: site.yml keeps that"
        return
    yield (
        f"Afterwards, leave cluster_kubernetes_version at {version} where the inventory sets it: site.yml keeps the "
        f"API servers at it, and the nodes at {former} until upgrade.yml -e to={version} upgrades them"
    )
