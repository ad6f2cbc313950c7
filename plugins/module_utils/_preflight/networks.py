# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with the ranges, addresses and ports of an inventory."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import is_address

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Member = t.Mapping[str, t.Any]

PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


def range_problems(cluster: t.Mapping[str, t.Any], hosts: list[Member]) -> list[str]:
    """Return what is wrong with ranges, the addresses in them, and ports."""
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
    return problems + _family_problems(cluster, hosts) + _port_problems(cluster)


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


def _family_problems(cluster: t.Mapping[str, t.Any], hosts: list[Member]) -> list[str]:
    """Return one line for each IPv6 range or address: keepalived's and flannel's configuration know IPv4 only."""
    given = [(f"cluster_{name}", str(cluster[name])) for name in ("pod_cidr", "service_cidr", "api_vip")]
    given += [(f"host {member['host']}: cluster_node_ip", str(member["address"])) for member in hosts]
    return [
        f"{name}: {value} is IPv6, which is not supported yet; use IPv4"
        for name, value in given
        if is_address(value.partition("/")[0]) and ipaddress.ip_address(value.partition("/")[0]).version == 6
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


def _within(address: str, network: Network) -> bool:
    return is_address(address) and ipaddress.ip_address(address) in network
