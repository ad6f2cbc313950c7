# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the addition of hosts to a running cluster. No I/O."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import ANSWER, node_address
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import hosts as preflight

# Seconds. Leases and certificates of one host are validated by the clocks of others.
SKEW = 1.0
ROLES = {"etcd": "etcd member", "master": "master", "lb": "load balancer", "node": "node"}
Groups = t.Mapping[str, t.Sequence[str]]
Member = t.Mapping[str, t.Any]


class Node(t.NamedTuple):
    """A node of the cluster."""

    name: str
    machine_id: str
    address: str
    ready: str

    @classmethod
    def of(cls, text: str) -> Node:
        """Return what kubectl has printed about a node."""
        return cls(*(text.split("|") + [""] * 4)[:4])


def plan(
    members: t.Sequence[Member],
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
    groups: Groups,
    through: str,
    nodes: t.Iterable[Node],
    systems: t.Mapping[str, int],
    vip: str = "",
) -> dict[str, t.Any]:
    """Return how the members (host, name, address, reached) are added through a master.

    hostvars have their answers to the preflight checks, and that of the master.
    """
    found = list(nodes)
    problems = {member["host"]: _problems(member, hostvars, groups, through, found, systems, vip) for member in members}
    inspected = [*members, *([] if through in problems else [{"host": through}])]
    for hosts, text in preflight.shared(inspected, hostvars, ("machine_id", "macaddress")):
        for host in hosts:
            if host in problems:
                problems[host].append(f"host {', '.join(hosts)}: {text}")
    left_out = [host for host, lines in problems.items() if lines]
    added = [host for host, lines in problems.items() if not lines]
    names = {member["name"] for member in members}
    registered = {node.name for node in found}
    new = [member["host"] for member in members if member["name"] not in registered]
    joins = [host for host in new if host in added and host in groups["node"]]
    return {
        "scope": {
            "deploys": deployed(added, groups),
            "through": [through],
            "joins": joins,
            # With whose pods those of the new nodes are tested.
            "neighbours": [n.name for n in found if n.ready == "True" and n.name not in names][:1],
        },
        "left_out": left_out,
        # What follows is as if these were not in the inventory.
        "absent": [host for host in new if host in left_out],
        "problems": list(dict.fromkeys(line for host in left_out for line in problems[host])),
        # The others need every member of etcd and every control-plane host of the inventory.
        "possible": bool(added)
        and not any(host in groups[name] for host in left_out for name in ("etcd", "master", "lb")),
        "text": list(_text(members, problems, groups, joins, deployed(added, groups))),
    }


def deployed(added: t.Sequence[str], groups: Groups) -> list[str]:
    """Return these hosts, and those whose configuration names them."""
    found = list(added)

    def has(group: str) -> bool:
        return any(host in groups[group] for host in added)

    if has("etcd"):
        # Members name each other, and API servers name them.
        found += [*groups["etcd"], *groups["master"]]
    if has("master"):
        # In the certificates of all API servers, and in haproxy's configuration.
        found += [*groups["master"], *groups["lb"]]
    if has("lb"):
        found += groups["lb"]
    workers = [host for host in groups["node"] if host not in groups["master"]]
    if any(host in workers for host in added) and set(workers) <= set(added):
        # With the first worker, masters get the taint of the control plane.
        found += [host for host in groups["node"] if host in groups["master"]]
    return list(dict.fromkeys(found))


def _problems(
    member: Member,
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
    groups: Groups,
    through: str,
    nodes: t.Iterable[Node],
    systems: t.Mapping[str, int],
    vip: str,
) -> list[str]:
    """Return why one host cannot be added."""
    found = preflight.preflight_problems([member], hostvars, systems, vip, groups["lb"])
    answer = hostvars[member["host"]].get(ANSWER) or {}
    if found or not answer.get("identity"):
        return found
    known = hostvars[through].get(ANSWER) or {}
    lines = [
        *_clock(answer, known, through),
        *_mtu(answer, known, through),
        *_same_nodes(member, answer, groups, nodes),
    ]
    address = member["address"] or node_address(member["host"], hostvars[member["host"]])
    if member["host"] != through and address and address == node_address(through, hostvars[through]):
        lines.append(f"address {address}: is that of master {through}; give each its own cluster_node_ip")
    return [f"host {member['host']}: {line}" for line in lines]


def _clock(answer: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any], through: str) -> t.Iterator[str]:
    """Compare the clocks of a host and the master, both as far as they are known."""
    own, other = answer.get("clock"), known.get("clock")
    if own and other:
        ahead, behind = own[0] - other[1], other[0] - own[1]
        if max(ahead, behind) > SKEW:
            off = f"{max(ahead, behind):.0f} s {'ahead of' if ahead > behind else 'behind'}"
            yield f"clock: at least {off} that of master {through}; start chrony or systemd-timesyncd on both"


def _mtu(answer: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any], through: str) -> t.Iterator[str]:
    """Compare the MTU, from which flannel derives that of pods."""
    own, other = answer.get("mtu"), known.get("mtu")
    if own and other and own != other:
        yield (
            f"MTU: {own}, and {other} on master {through}, so large packets between pods would be lost; set the same "
            "on both, or skip this check with host_skip_checks: [mtu]"
        )


def _same_nodes(
    member: Member, answer: t.Mapping[str, t.Any], groups: Groups, nodes: t.Iterable[Node]
) -> t.Iterator[str]:
    """Find nodes of the cluster with the name or the address of a host that is to be another node."""
    if member["host"] not in groups["node"]:
        return
    name, address = member["name"], member["address"]
    remove = "remove that node first with remove_node"
    for node in nodes:
        if node.name != name:
            if address and node.address == address:
                yield f"address {address}: is that of node {node.name}; {remove}, or correct cluster_node_ip"
            continue
        if address and node.address and node.address != address:
            yield f"node name {name}: is that of a node at {node.address}; {remove}, or set cluster_node_name"
        elif node.ready == "True" and node.machine_id != answer["identity"].get("machine_id", node.machine_id):
            yield f"node name {name}: is that of a Ready node on another host; {remove}, or set cluster_node_name"


def _text(
    members: t.Iterable[Member],
    problems: t.Mapping[str, t.Sequence[str]],
    groups: Groups,
    joins: t.Collection[str],
    hosts: t.Iterable[str],
) -> t.Iterator[str]:
    """Yield the lines of the plan for display."""
    for member in members:
        host, name = member["host"], member["name"]
        kinds = " and ".join(title for group, title in ROLES.items() if host in groups[group])
        if problems[host]:
            yield f"{host}: not added; {'; '.join(problems[host])}"
            continue
        note = ""
        if host in groups["node"]:
            note = f"; joins as node {name}" if host in joins else f"; node {name} is in the cluster already"
        yield f"{host}: {kinds}{note}"
    others = [host for host in hosts if host not in problems]
    if others:
        yield f"Also deployed, because their configuration names the new hosts: {shortened(others)}"
