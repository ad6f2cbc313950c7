# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which nodes a run leaves out because they do not answer. No I/O.

Only hosts of group node alone can be left out: a master, an etcd member or a load balancer that is down is a problem of
the whole cluster.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

OPTION = "cluster_unreachable_nodes"
LIMIT = re.compile(r"(\d+)(%?)")
Groups = t.Mapping[str, t.Sequence[str]]


class LeftOut(t.NamedTuple):
    """The hosts that a run leaves out, and why others that do not answer cannot be."""

    hosts: list[str]
    problem: str = ""


def pure_nodes(groups: Groups) -> list[str]:
    """Return the hosts that are in group node alone."""
    others = {host for name in ("etcd", "master", "lb") for host in groups.get(name) or ()}
    return [host for host in groups.get("node") or () if host not in others]


def option_problems(allowed: t.Sequence[str], groups: Groups) -> list[str]:
    """Return what is wrong with the option."""
    limits = [entry for entry in allowed if LIMIT.fullmatch(entry)]
    if limits and (len(allowed) > 1 or (limits[0].endswith("%") and _count(limits[0], 100) > 100)):
        return [f"{OPTION}: {', '.join(allowed)}: set one number, one percentage up to 100%, or names of hosts"]
    if limits:
        return []
    nodes = pure_nodes(groups)
    return [
        f"{OPTION}: {host} is not a host of group node alone, and no other can be left out; remove it from the list"
        for host in allowed
        if host not in nodes
    ]


def left_out(unreachable: t.Iterable[str], groups: Groups, allowed: t.Sequence[str]) -> LeftOut:
    """Return which of the hosts that do not answer are left out: all that are allowed, or none if there are too many.

    allowed is one number or percentage of all nodes, rounded down, or the names of nodes.
    """
    nodes = set(pure_nodes(groups))
    down = [host for host in unreachable if host in nodes]
    if len(allowed) != 1 or not LIMIT.fullmatch(allowed[0]):
        return LeftOut([host for host in down if host in allowed])
    count = _count(allowed[0], len(groups.get("node") or ()))
    if len(down) <= count:
        return LeftOut(down)
    if not count:
        return LeftOut([])
    return LeftOut(
        [],
        f"{OPTION}: {allowed[0]} allows {count} of {len(groups.get('node') or ())} nodes to be down, and {len(down)} "
        f"do not answer: {shortened(down, 5)}; bring some back, or name those that may be left out",
    )


def _count(limit: str, nodes: int) -> int:
    """Return how many nodes a number or percentage is."""
    number = int(limit.rstrip("%"))
    return nodes * number // 100 if limit.endswith("%") else number


def recorded(
    before: t.Any, left: t.Collection[str], now: str, nodes: t.Container[str], updated: t.Container[str]
) -> dict[str, str]:
    """Return the nodes that have to be updated when they are back, and since when.

    before is what was recorded; left are the nodes that this run has left out, updated those it has updated. Of nodes,
    those of the cluster, others were removed.
    """
    known = before if isinstance(before, dict) else {}
    waiting = [*(node for node in known if node in nodes and node not in updated and node not in left), *left]
    return {node: str(known.get(node, now)) for node in waiting}
