# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether hosts may be reset, and describes how. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any


class Cluster:
    """What runs of the cluster, by the answers that hosts got."""

    def __init__(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Take the results of module cluster_status."""
        self.nodes = next(({node["name"] for node in state["nodes"]} for state in states if "nodes" in state), None)
        listed = (state["etcd"]["members"] for state in states if (state.get("etcd") or {}).get("listed"))
        self.members = next(({member["name"] for member in members} for members in listed), None)


def plan(hosts: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan: refusals, steps by host, and text."""
    groups, results = asked["groups"], asked["results"]
    named = [host["host"] for host in hosts]
    everyone = {host for names in groups.values() for host in names}
    whole = everyone <= set(named)
    cluster = Cluster(asked["states"])
    steps = {host: {"changes": results[host]["changes"], "notes": results[host]["notes"]} for host in named}
    anything = any(step["changes"] for step in steps.values())
    lines = {host: [*_short(step["changes"]), *step["notes"]] or ["nothing to do"] for host, step in steps.items()}
    text = [f"{host}: {line}" for host in named for line in lines[host]]
    text += [] if whole else _unchecked(named, cluster)
    if whole and anything:
        text.insert(0, f"All hosts of cluster {asked['cluster']}: it ends, with all its objects.")
    return {
        "cluster": asked["cluster"],
        "playbook": "reset",
        "confirmed": asked["confirmed"],
        "command": asked["command"],
        "empty": not anything,
        "whole": whole,
        # Whether a cluster is left that can be verified.
        "verifies": not whole and cluster.nodes is not None,
        "hosts": steps,
        "refusals": [] if whole else refusals(hosts, asked, cluster),
        "text": text,
    }


def refusals(hosts: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], cluster: Cluster) -> list[str]:
    """Return why the hosts may not be reset yet, each with the command to run first."""
    found = []
    named, groups = [host["host"] for host in hosts], asked["groups"]
    members = [host["host"] for host in hosts if host["name"] in (cluster.members or ())]
    nodes = [host["host"] for host in hosts if host["name"] in (cluster.nodes or ())]
    # remove_node takes no host that has other roles.
    several = [host for host in nodes if any(host in groups[name] for name in ("etcd", "master", "lb"))]
    if several:
        found.append(
            f"{', '.join(several)}: still part of the running cluster; remove them first: "
            f"{_command(asked, 'remove', several)}"
        )
    if members := [host for host in members if host not in several]:
        found.append(
            f"{', '.join(members)}: still etcd members of the running cluster; take them out of group "
            f"{asked['group_names']['etcd']}, run site.yml, then {_command(asked, 'remove_member', members)}"
        )
    if nodes := [host for host in nodes if host not in several]:
        found.append(
            f"{', '.join(nodes)}: still nodes of the running cluster; drain and delete them first: "
            f"{_command(asked, 'remove_node', nodes)}"
        )
    others = (cluster.nodes or set()) - {host["name"] for host in hosts}
    if others and groups["master"] and set(groups["master"]) <= set(named):
        found.append(
            f"{', '.join(groups['master'])}: all masters, without which the nodes {', '.join(sorted(others))} have no "
            "cluster; keep one, or end the cluster with -e hosts=all"
        )
    unknown = [host for host in named if host in groups["etcd"]] if cluster.members is None else []
    if asked["delete_data"] and unknown:
        found.append(
            f"{', '.join(unknown)}: no etcd member answers, so the data there may be the last ones; leave out "
            "-e delete_data=true, which moves them aside"
        )
    return found


def _short(changes: Sequence[str]) -> Iterator[str]:
    """Yield one line for steps of one kind that follow each other."""
    for verb, steps in groupby(changes, lambda change: change.partition(" ")[0]):
        objects = [step.partition(" ")[2] for step in steps]
        if verb == "unmount":
            yield f"unmount {len(objects)} mounts, the last one {objects[-1]}"
        elif verb in ("stop", "delete", "set"):
            yield f"{verb} {', '.join(objects)}"
        else:
            yield from (f"{verb} {one}" for one in objects)


def _unchecked(named: Sequence[str], cluster: Cluster) -> list[str]:
    """Return what could not be checked."""
    found = []
    if cluster.nodes is None:
        found.append(
            f"No API server answers, so it was not checked whether {', '.join(named)} left the cluster: once one "
            "answers again, delete these nodes with kubectl delete node."
        )
    if cluster.members is None:
        found.append("No etcd member answers, so it was not checked whether the hosts are still members.")
    return found


def _command(asked: Mapping[str, Any], playbook: str, hosts: Sequence[str]) -> str:
    return f"{asked['playbook'] % (playbook, ','.join(hosts))} -e confirm={asked['cluster']}"
