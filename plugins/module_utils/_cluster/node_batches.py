# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which nodes are upgraded or rebooted together. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import minor
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import OURS


def batch_size(asked: str, nodes: int) -> int:
    """Return how many nodes are upgraded together, from a number or a percentage; at least one."""
    found = re.fullmatch(r"(\d+)(%?)", asked.strip())
    if not found or not int(found[1]):
        raise HardwayError(
            f"cluster_batch: {asked!r} is not a number of nodes or a percentage above zero; set one such as 2 or 10%"
        )
    return max(1, nodes * int(found[1]) // 100 if found[2] else int(found[1]))


def batches(nodes: Sequence[str], size: int, zones: Optional[Mapping[str, str]] = None) -> list[list[str]]:
    """Return the nodes in batches, in their order; of one zone, never two in a batch."""
    found: list[list[str]] = []
    for node in nodes:
        zone = (zones or {}).get(node)
        place = next(
            (
                batch
                for batch in found
                if len(batch) < size and (zone is None or all((zones or {}).get(other) != zone for other in batch))
            ),
            None,
        )
        if place is None:
            found.append([node])
        else:
            place.append(node)
    return found


def batch_plan(
    hosts: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]], version: str, size: str
) -> dict[str, Any]:
    """Return the hosts whose nodes are upgraded drained, in batches, with those of the batches before.

    hosts are hosts and nodes of the play; nodes are those of module upgrade_info. Nodes that an interrupted upgrade has
    left cordoned are among them, whatever their kubelets run.
    """
    known = {node["name"]: node for node in nodes}
    left = [host["host"] for host in hosts if known.get(host["name"], {}).get("cordoned_by") == OURS]
    others = [
        host["host"]
        for host in hosts
        if host["host"] not in left
        and host["name"] in known
        and minor(known[host["name"]]["version"]) != minor(version)
    ]
    # First those that would leave the pods of the others too little room.
    due = [*left, *others]
    zones = {host["host"]: known[host["name"]]["zone"] for host in hosts if host["host"] in due}
    found = batches(due, batch_size(size, len(nodes)), {host: zone for host, zone in zones.items() if zone})
    return {
        "batches": found,
        "batch_of": {host: number for number, batch in enumerate(found) for host in batch},
        "before": [[host for batch in found[:number] for host in batch] for number in range(len(found))],
    }
