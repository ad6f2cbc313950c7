# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of an inventory, found before any host is contacted.

Every problem is one line that names the variable or host, its value and the remedy.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.left_out import option_problems
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.node_batches import batch_size
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import is_address
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.networks import Member, range_problems
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.pki_places import (
    place_problems,
    store_problems,
)

NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ENDPOINT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/\s]+):([0-9]{1,5})")
# A certificate's common name has 64 characters, and that of a kubelet begins with system:node:. A label's value has 63.
LONGEST_NODE = 64 - len("system:node:")
LONGEST_NAME = 63
FORMER = "cluster_api_former_vip"
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def inventory_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """Return all problems of an inventory, an empty list when it can be deployed.

    cluster holds the lists etcd, masters, nodes, lb (members), and the values pod_cidr, service_cidr, domain,
    dns_address, node_port_range, api_port, api_vip, api_former_vip, api_endpoint, kubernetes_version,
    supported_minors, unreachable_nodes, batch and pki_dir, with what place_problems() and store_problems() take;
    unsettled are hosts whose address may yet come from their facts, or that are reported as lost.
    """
    groups = {
        name: [member["host"] for member in cluster[key]]
        for name, key in (("etcd", "etcd"), ("master", "masters"), ("node", "nodes"), ("lb", "lb"))
    }
    return [
        *_group_problems(cluster),
        *_name_problems(_hosts(cluster), {member["host"] for member in cluster["nodes"]}),
        *_address_problems(_hosts(cluster), cluster.get("unsettled") or ()),
        *range_problems(cluster, _hosts(cluster)),
        *_endpoint_problems(cluster),
        *(_drain_problems(cluster["drain"]) if cluster["lb"] and "drain" in cluster else []),
        *place_problems(cluster),
        *store_problems(cluster),
        *option_problems(cluster.get("unreachable_nodes") or (), groups),
        *_batch_problems(str(cluster.get("batch") or 1)),
        *_version_problems(str(cluster["kubernetes_version"]), cluster["supported_minors"]),
    ]


def _batch_problems(batch: str) -> list[str]:
    try:
        batch_size(batch, 1)
    except HardwayError as exc:
        return [str(exc)]
    return []


def _hosts(cluster: t.Mapping[str, t.Any]) -> list[Member]:
    found = {m["host"]: m for group in ("etcd", "masters", "nodes", "lb") for m in cluster[group]}
    return list(found.values())


def _group_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    problems = []
    if not cluster["masters"]:
        problems.append("group master: no host; put at least one host into the group `master`")
    if not cluster["etcd"]:
        problems.append("group etcd: no host; put one, three or five hosts into the group `etcd`")
    elif len(cluster["etcd"]) % 2 == 0 and not cluster.get("etcd_shrinks"):
        count = len(cluster["etcd"])
        problems.append(
            f"group etcd: {count} members, an even number survives no more failures than {count - 1}; "
            f"use {count - 1} or {count + 1}"
        )
    if cluster["lb"] and not cluster["api_vip"]:
        problems.append(
            "group lb: there are load balancers but cluster_api_vip is empty; "
            "set cluster_api_vip to a free address of their subnet, or empty the group `lb`"
        )
    if cluster["api_vip"] and not cluster["lb"]:
        problems.append(
            f"cluster_api_vip: {cluster['api_vip']} has no host that could hold it; put hosts into the group `lb` "
            "(the masters may be those), or give cluster_api_endpoint instead"
        )
    if len(cluster["masters"]) > 1 and not cluster["api_vip"] and not cluster["api_endpoint_given"]:
        problems.append(
            f"cluster_api_endpoint: {len(cluster['masters'])} masters but no common address; set cluster_api_vip with "
            "hosts in `lb`, or cluster_api_endpoint to the load balancer you have"
        )
    return problems


def _name_problems(hosts: list[Member], nodes: t.Container[str]) -> list[str]:
    problems = []
    by_name: dict[str, str] = {}
    for member in hosts:
        host, name = member["host"], member["name"]
        longest = LONGEST_NODE if host in nodes else LONGEST_NAME
        if not NODE_NAME.fullmatch(name):
            problems.append(
                f"host {host}: cluster_node_name {name!r} is not a valid node name; "
                "use lower-case letters, digits, '-' and '.'"
            )
        elif len(name) > longest:
            problems.append(
                f"host {host}: cluster_node_name {name} has {len(name)} characters, and {longest} fit into the names "
                "of its certificates and labels; set a shorter cluster_node_name"
            )
        if by_name.setdefault(name, host) != host:
            problems.append(
                f"host {host}: cluster_node_name {name} is also that of host {by_name[name]}; give each its own"
            )
    return problems


def _address_problems(hosts: list[Member], unsettled: t.Collection[str]) -> list[str]:
    problems = []
    by_address: dict[str, str] = {}
    for member in hosts:
        host, address = member["host"], member["address"]
        if not address:
            if host not in unsettled:
                problems.append(
                    f"host {host}: no node address is known; set cluster_node_ip, let ansible_host be an address, "
                    "or have a default route there and the host in the limit"
                )
        elif not is_address(address):
            problems.append(f"host {host}: cluster_node_ip {address!r} is not an address; write an IPv4 address")
        elif by_address.setdefault(address, host) != host:
            problems.append(
                f"host {host}: address {address} is also that of host {by_address[address]}; "
                "give each its own cluster_node_ip"
            )
    return problems


def _endpoint_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    problems = []
    vip, endpoint = str(cluster["api_vip"]), str(cluster["api_endpoint"])
    if endpoint and not ENDPOINT.fullmatch(endpoint):
        problems.append(f"cluster_api_endpoint: {endpoint!r} is not host:port; write for example api.example.org:6443")
    former = str(cluster.get("api_former_vip", ""))
    if former and former == vip:
        problems.append(f"cluster_api_former_vip: {former} is also cluster_api_vip; empty it")
    return [*problems, *_vip_problems("cluster_api_vip", vip, cluster), *_vip_problems(FORMER, former, cluster)]


def _vip_problems(variable: str, vip: str, cluster: t.Mapping[str, t.Any]) -> list[str]:
    if not vip:
        return []
    if not is_address(vip):
        return [f"{variable}: {vip!r} is not an address; write a free address of the load balancers' subnet"]
    return [
        f"{variable}: {vip} is the address of host {member['host']}; choose a free address"
        for member in _hosts(cluster)
        if member["address"] == vip
    ]


def _drain_problems(drain: t.Mapping[str, t.Sequence[t.Any]]) -> list[str]:
    """Return whether API servers stop before our own load balancers have noticed."""
    interval, fall = drain["interval"], drain["fall"]
    try:
        noticed = max(map(_haproxy_seconds, interval)) * max(map(int, fall))
    except HardwayError as exc:
        return [str(exc)]
    return [
        f"master_shutdown_delay: {delay} s is no longer than the {noticed:g} s in which load balancers notice "
        f"(haproxy_check_interval {interval[0]} times haproxy_check_fall {fall[0]}); set it higher"
        for delay in sorted(set(drain["shutdown_delay"]))
        if float(delay) <= noticed
    ]


def _haproxy_seconds(text: t.Any) -> float:
    """Return a time of haproxy's; without a unit it means milliseconds."""
    return parse(f"{text}ms" if str(text).isdigit() else str(text), "haproxy_check_interval").total_seconds()


def _version_problems(version: str, supported: t.Sequence[str]) -> list[str]:
    if VERSION.fullmatch(version) and ".".join(version.split(".")[:2]) in supported:
        return []
    hint = " (without the leading v)" if version.startswith("v") else ""
    return [f"cluster_kubernetes_version: {version!r} is not supported; use a release of {', '.join(supported)}{hint}"]
