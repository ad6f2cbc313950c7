# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an inventory, found before any host is touched.

Every problem is one line that names the variable or host, its value and the remedy.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._members import is_address

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Member = t.Mapping[str, t.Any]

NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ENDPOINT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/\s]+):([0-9]{1,5})")
PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def inventory_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """Return all problems of an inventory, an empty list when it can be deployed.

    cluster holds the lists etcd, masters, nodes, lb (members), and the values pod_cidr, service_cidr, domain,
    dns_address, node_port_range, api_port, api_vip, api_endpoint, kubernetes_version and supported_minors.
    """
    return [
        *_group_problems(cluster),
        *_name_problems(_hosts(cluster)),
        *_range_problems(cluster, _hosts(cluster)),
        *_endpoint_problems(cluster),
        *_version_problems(str(cluster["kubernetes_version"]), cluster["supported_minors"]),
    ]


def _hosts(cluster: t.Mapping[str, t.Any]) -> list[Member]:
    found = {m["host"]: m for group in ("etcd", "masters", "nodes", "lb") for m in cluster[group]}
    return list(found.values())


def _group_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    problems = []
    if not cluster["masters"]:
        problems.append("group master: no host; put at least one host into the group `master`")
    if not cluster["etcd"]:
        problems.append("group etcd: no host; put one, three or five hosts into the group `etcd`")
    elif len(cluster["etcd"]) % 2 == 0:
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


def _name_problems(hosts: list[Member]) -> list[str]:
    problems = []
    by_name: dict[str, str] = {}
    by_address: dict[str, str] = {}
    for member in hosts:
        host, name, address = member["host"], member["name"], member["address"]
        if len(name) > 253 or not NODE_NAME.fullmatch(name):
            problems.append(
                f"host {host}: cluster_node_name {name!r} is not a valid node name; "
                "use lower-case letters, digits, '-' and '.'"
            )
        if by_name.setdefault(name, host) != host:
            problems.append(
                f"host {host}: cluster_node_name {name} is also that of host {by_name[name]}; give each its own"
            )
        if not address:
            problems.append(
                f"host {host}: no node address is known; set cluster_node_ip or let ansible_host be an address"
            )
        elif not is_address(address):
            problems.append(
                f"host {host}: cluster_node_ip {address!r} is not an address; write an IPv4 or IPv6 address"
            )
        elif by_address.setdefault(address, host) != host:
            problems.append(
                f"host {host}: address {address} is also that of host {by_address[address]}; "
                "give each its own cluster_node_ip"
            )
    return problems


def _range_problems(cluster: t.Mapping[str, t.Any], hosts: list[Member]) -> list[str]:
    problems, networks = [], {}
    for variable in ("pod_cidr", "service_cidr"):
        try:
            networks[variable] = ipaddress.ip_network(str(cluster[variable]))
        except ValueError as exc:
            problems.append(
                f"cluster_{variable}: {cluster[variable]!r} is not a range ({exc}); write for example 10.96.0.0/16"
            )
    if len(networks) == 2 and networks["pod_cidr"].overlaps(networks["service_cidr"]):
        problems.append(
            f"cluster_pod_cidr: {cluster['pod_cidr']} overlaps cluster_service_cidr {cluster['service_cidr']}; "
            "choose disjoint ranges"
        )
    for variable, network in networks.items():
        taken = [*((m["host"], m["address"]) for m in hosts), ("cluster_api_vip", cluster["api_vip"])]
        problems += [
            f"cluster_{variable}: {network} contains the address {address} of {owner}; "
            "choose a range without node addresses"
            for owner, address in taken
            if _within(address, network)
        ]
    service = networks.get("service_cidr")
    if service is not None:
        problems += _dns_problems(str(cluster["dns_address"]), service)
    return problems + _port_problems(cluster)


def _dns_problems(dns: str, service: Network) -> list[str]:
    reserved = [str(service[0]), str(service[1])] if service.num_addresses > 1 else []
    if _within(dns, service) and dns not in reserved:
        return []
    if not dns:
        return [
            f"cluster_service_cidr: {service} is too small for its tenth address, the DNS service; use /27 or larger"
        ]
    return [
        f"cluster_dns_address: {dns!r} is not a free address of cluster_service_cidr {service}; choose one inside it"
    ]


def _port_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    problems = []
    match = PORT_RANGE.fullmatch(str(cluster["node_port_range"]))
    if not match or not 0 < int(match[1]) <= int(match[2]) < 65536:
        problems.append(
            f"cluster_node_port_range: {cluster['node_port_range']!r} is not a range of ports; write 30000-32767"
        )
    if not str(cluster["api_port"]).isdigit() or not 0 < int(cluster["api_port"]) < 65536:
        problems.append(f"cluster_api_port: {cluster['api_port']!r} is not a port; use 6443")
    return problems


def _endpoint_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    problems = []
    vip, endpoint = str(cluster["api_vip"]), str(cluster["api_endpoint"])
    if endpoint and not ENDPOINT.fullmatch(endpoint):
        problems.append(f"cluster_api_endpoint: {endpoint!r} is not host:port; write for example api.example.org:6443")
    if not vip:
        return problems
    if not is_address(vip):
        return [
            *problems,
            f"cluster_api_vip: {vip!r} is not an address; write a free address of the load balancers' subnet",
        ]
    for member in _hosts(cluster):
        if member["address"] == vip:
            problems.append(f"cluster_api_vip: {vip} is the address of host {member['host']}; choose a free address")
    return problems


def _version_problems(version: str, supported: t.Sequence[str]) -> list[str]:
    if VERSION.fullmatch(version) and ".".join(version.split(".")[:2]) in supported:
        return []
    hint = " (without the leading v)" if version.startswith("v") else ""
    return [f"cluster_kubernetes_version: {version!r} is not supported; use a release of {', '.join(supported)}{hint}"]


def _within(address: str, network: Network) -> bool:
    return is_address(address) and ipaddress.ip_address(address) in network
