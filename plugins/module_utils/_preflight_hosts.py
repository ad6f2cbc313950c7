# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against the hosts themselves, judged by their facts before anything is changed on them."""

from __future__ import annotations

import ipaddress
import typing as t


def host_problems(
    members: t.Iterable[t.Mapping[str, t.Any]],
    hostvars: t.Mapping[str, t.Any],
    systems: t.Mapping[str, int],
    vip: str = "",
    lb: t.Collection[str] = (),
) -> list[str]:
    """Return what speaks against the hosts themselves.

    members are the hosts to judge (host, address, reached). systems maps the
    lower-case distribution to the oldest supported major version. lb are the hosts that may hold the address vip.
    """
    problems = []
    for member in members:
        host = member["host"]
        facts = hostvars[host].get("ansible_facts") or {}
        if not member["reached"] or "architecture" not in facts:
            problems.append(
                f"host {host}: not reached; mend the connection (try: ansible {host} -m ansible.builtin.ping) "
                "or take it out of the inventory or the limit"
            )
            continue
        if facts["architecture"] not in ("x86_64", "aarch64"):
            problems.append(
                f"host {host}: architecture {facts['architecture']} is not supported; use x86_64 or aarch64"
            )
        problems += _system_problems(host, facts, systems)
        if vip and host in lb and member["address"]:
            problems += _subnet_problems(member, facts, vip)
    return problems


def _system_problems(host: str, facts: t.Mapping[str, t.Any], systems: t.Mapping[str, int]) -> list[str]:
    name, major = str(facts.get("distribution", "?")), str(facts.get("distribution_major_version", "0"))
    oldest = systems.get(name.lower())
    known = ", ".join(f"{system} {version}" for system, version in systems.items())
    if oldest is None:
        return [f"host {host}: system {name} {major} is not supported; use one of these or newer: {known}"]
    if major.isdigit() and int(major) < oldest:
        return [f"host {host}: {name} {major} is too old; use {oldest} or newer"]
    return []


def _subnet_problems(member: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any], vip: str) -> list[str]:
    network = subnet_of(str(member["address"]), facts)
    if network is None or ipaddress.ip_address(vip) in network:
        return []
    return [
        f"cluster_api_vip: {vip} is outside the subnet {network} of load balancer {member['host']}; "
        "choose a free address inside it"
    ]


def subnet_of(address: str, facts: t.Mapping[str, t.Any]) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network of the interface that holds address, None where the facts do not tell."""
    for name in facts.get("interfaces") or []:
        device = facts.get(str(name).replace("-", "_").replace(".", "_").replace(":", "_")) or {}
        ipv4 = device.get("ipv4") or {}
        for entry in [
            *([ipv4] if isinstance(ipv4, dict) else ipv4),
            *(device.get("ipv4_secondaries") or []),
            *(device.get("ipv6") or []),
        ]:
            if entry.get("address") == address:
                prefix = entry.get("netmask") or entry.get("prefix")
                return ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    return None
