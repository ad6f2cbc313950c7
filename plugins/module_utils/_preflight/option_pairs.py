# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for combinations of values: ports of one host, ranges and their nodes, virtual routers."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import master_pairs
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.names import GROUPS

Groups = t.Mapping[str, t.Sequence[str]]
# Of a host and an option: the value, or None if neither inventory nor a plain default has it.
Value = t.Callable[[str, str], t.Any]

# The controller manager keeps a bitmap of the ranges it hands out, of no more than 16 bits.
MOST_RANGE_BITS = 16
# The network, the bridge and the broadcast address of a node's range.
NO_POD_ADDRESSES = 3
LOOPBACK = "127.0.0.1"
# Of etcd, and of client-go's leader election.
LEAST_HEARTBEATS = 5
RETRY_JITTER = 1.2
# Three intervals of VRRP, and a part of a second by priority.
MOST_ADVERTS = 4
# Ports of these are options of each host.
OF_OPTIONS = ("kube-apiserver", "haproxy", "flanneld")
Endpoints = t.Sequence[t.Mapping[str, t.Any]]


def pair_problems(groups: Groups, value: Value, endpoints: Endpoints) -> list[str]:
    """Return one line for each contradiction."""
    ports = port_problems(groups, value, endpoints)
    found = [*capacity_problems(groups, value), *ports, *router_problems(groups, value), *time_problems(groups, value)]
    found += proxy_problems(groups, value)
    found += source_problems(groups, value)
    return found + master_pairs.identity_problems(groups.get("master", ()), value)


def source_problems(groups: Groups, value: Value) -> list[str]:
    """Return whether hosts are to download although a bundle is set."""
    hosts = [host for name in GROUPS for host in groups.get(name, ())][:1]
    if any(value(host, "cluster_bundle") and value(host, "cluster_download_from") == "hosts" for host in hosts):
        return [
            "cluster_download_from: hosts, but cluster_bundle is set, whose binaries travel from the controller; set it"
            " to controller, or set no bundle"
        ]
    return []


def capacity_problems(groups: Groups, value: Value) -> list[str]:
    """Return whether the pod range has a range for each node, and that one an address for each pod."""
    masters, nodes = groups.get("master", ()), groups.get("node", ())
    if not masters:
        return []
    mask, given = value(masters[0], "master_node_cidr_mask_size"), value(masters[0], "cluster_pod_cidr")
    try:
        pods = ipaddress.IPv4Network(str(given))
    except ValueError:
        return []
    if not isinstance(mask, int) or not 0 <= mask <= 32:
        return []
    bits = mask - pods.prefixlen
    if bits < 0:
        return [
            f"cluster_pod_cidr: {pods} is smaller than the /{mask} that each node gets; use a larger range, "
            "or a larger master_node_cidr_mask_size"
        ]
    if bits > MOST_RANGE_BITS:
        return [
            f"cluster_pod_cidr: {pods} has more than {2**MOST_RANGE_BITS} ranges of /{mask}, which "
            f"the controller manager refuses; use a range of /{mask - MOST_RANGE_BITS} or smaller, "
            "or a smaller master_node_cidr_mask_size"
        ]
    problems = []
    if len(nodes) > 2**bits:
        problems.append(
            f"cluster_pod_cidr: {pods} has {2**bits} ranges of /{mask} for {len(nodes)} nodes; use a larger range, "
            "or a larger master_node_cidr_mask_size"
        )
    return problems + _pod_problems(nodes, mask, value)


def _pod_problems(nodes: t.Sequence[str], mask: int, value: Value) -> list[str]:
    most = 2 ** (32 - mask) - NO_POD_ADDRESSES
    crowded: dict[int, list[str]] = {}
    for host in nodes:
        given = value(host, "node_max_pods")
        # Another pod network may assign its addresses in another way.
        if isinstance(given, int) and given > most and value(host, "cluster_cni") == "flannel":
            crowded.setdefault(given, []).append(host)
    return [
        f"node_max_pods: {given} on {shortened(hosts)}, but the /{mask} of a node has addresses for"
        f" {max(most, 0)} pods; set it to {max(most, 0)} or less, or use a smaller master_node_cidr_mask_size"
        for given, hosts in crowded.items()
    ]


def proxy_problems(groups: Groups, value: Value) -> list[str]:
    """Return the nodes without kube-proxy although flannel, which serves no Services, is the pod network."""
    nodes = groups.get("node", ())
    without = [host for host in nodes if value(host, "node_kube_proxy_mode") == "none"]
    if not without or value(without[0], "cluster_cni") != "flannel":
        return []
    return [
        f"node_kube_proxy_mode: none on {shortened(without)}, and flannel serves no Services; set cluster_cni to none, "
        "for a pod network that does, or another mode"
    ]


def port_problems(groups: Groups, value: Value, endpoints: Endpoints) -> list[str]:
    """Return the ports that two programs of one host would listen on, or that node ports would take."""
    found: dict[str, list[str]] = {}
    fixed = [endpoint for endpoint in endpoints if endpoint["unit"] not in OF_OPTIONS]
    for host in dict.fromkeys(host for name in GROUPS for host in groups.get(name, ())):
        own = [name for name in GROUPS if host in groups.get(name, ())]
        for problem in _clashes(host, own, value, [endpoint for endpoint in fixed if endpoint["group"] in own]):
            found.setdefault(problem, []).append(host)
    return [f"{problem} (on {shortened(hosts)}); choose another" for problem, hosts in found.items()]


def _clashes(host: str, own: t.Sequence[str], value: Value, endpoints: Endpoints) -> t.Iterator[str]:
    outside = {endpoint["port"]: endpoint["unit"] for endpoint in endpoints if "node" in endpoint["addresses"]}
    loopback = {endpoint["port"]: endpoint["unit"] for endpoint in endpoints if LOOPBACK in endpoint["addresses"]}
    api, healthz = value(host, "cluster_api_port"), value(host, "flannel_healthz_port")
    if "master" in own:
        if api in outside:
            yield f"cluster_api_port: {api} is the port of {outside[api]}"
        outside[api] = "kube-apiserver"
    if "lb" in own:
        address, _colon, port = str(value(host, "haproxy_loopback_bind")).rpartition(":")
        if port.isdigit():
            there = loopback if address == "127.0.0.1" else {**loopback, **outside}
            if int(port) in there:
                yield f"haproxy_loopback_bind: {port} is the port of {there[int(port)]}"
            loopback[int(port)] = "haproxy"
        stats = str(value(host, "haproxy_stats_bind")).rpartition(":")[2]
        if stats.isdigit() and int(stats) in loopback:
            yield f"haproxy_stats_bind: {stats} is the port of {loopback[int(stats)]}"
    if "node" in own:
        if healthz in loopback:
            yield f"flannel_healthz_port: {healthz} is the port of {loopback[healthz]}"
        yield from _node_port_clashes(str(value(host, "cluster_node_port_range")), outside)


def _node_port_clashes(given: str, outside: t.Mapping[t.Any, str]) -> t.Iterator[str]:
    first, _line, last = given.partition("-")
    if first.isdigit() and last.isdigit():
        for port, program in outside.items():
            if isinstance(port, int) and int(first) <= port <= int(last):
                yield f"cluster_node_port_range: {given} contains {port}, the port of {program}"


def router_problems(groups: Groups, value: Value) -> list[str]:
    """Return whether both virtual addresses would be one virtual router to keepalived."""
    for host in groups.get("lb", ()):
        addresses = [value(host, name) for name in ("cluster_api_vip", "cluster_api_former_vip")]
        if not all(addresses) or addresses[0] == addresses[1]:
            continue
        names = ("keepalived_virtual_router_id", "keepalived_former_virtual_router_id")
        new, former = (value(host, name) or _last(address) for name, address in zip(names, addresses))
        if new == former:
            return [
                f"keepalived_virtual_router_id: {new} for both cluster_api_vip {addresses[0]} and "
                f"cluster_api_former_vip {addresses[1]}; set it to another number from 1 to 255 that no router of this "
                "network has, and keep it"
            ]
    return []


def time_problems(groups: Groups, value: Value) -> list[str]:
    """Return the times with which etcd, the leader election of Kubernetes, or the virtual address does not start."""
    problems: dict[str, None] = {}
    for host in groups.get("etcd", ()):
        beat, election = value(host, "etcd_heartbeat_interval"), value(host, "etcd_election_timeout")
        if isinstance(beat, int) and isinstance(election, int) and election < LEAST_HEARTBEATS * beat:
            problems[
                f"etcd_election_timeout: {election} is less than {LEAST_HEARTBEATS} times etcd_heartbeat_interval "
                f"{beat}, with which etcd does not start; set it to {10 * beat}"
            ] = None
    for host in groups.get("lb", ()):
        advert, wait = value(host, "keepalived_advert_interval"), value(host, "keepalived_health_timeout")
        if isinstance(advert, int) and isinstance(wait, int) and wait <= MOST_ADVERTS * advert:
            problems[
                f"keepalived_health_timeout: {wait} is no longer than {MOST_ADVERTS} times keepalived_advert_interval "
                f"{advert}, after which a host takes the address; set it to {MOST_ADVERTS * advert + 30}"
            ] = None
    for host in groups.get("master", ()):
        names = ("lease_duration", "renew_deadline", "retry_period")
        given = [value(host, f"master_leader_elect_{name}") for name in names]
        try:
            lease, renew, retry = (parse(item).total_seconds() for item in given)
        except HardwayError:
            continue
        if lease <= renew or renew <= RETRY_JITTER * retry:
            problems[
                f"master_leader_elect_lease_duration: {given[0]}, with renew_deadline {given[1]} and retry_period "
                f"{given[2]}; each must be longer than the next, the second {RETRY_JITTER} times"
            ] = None
    return list(problems)


def _last(address: t.Any) -> int | None:
    """Return the default virtual router of an address, as role keepalived derives it."""
    last = str(address).rpartition(".")[2]
    return max(int(last), 1) if last.isdigit() else None
