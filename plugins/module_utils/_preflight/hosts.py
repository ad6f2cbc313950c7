# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of the hosts, evaluated before anything is changed."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import ANSWER
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import hosts_in_words
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import Obstacle, error, warning

# Certificates are signed by the controller's clock, and leases of etcd kept by the hosts'.
SKEW = 10.0
NOT_PIPELINED = warning(
    "pipelining",
    "Ansible's pipelining",
    "is off, so while a module runs its arguments, secrets too, are in a file on the host, and tasks take longer",
    "set pipelining = true in [ssh_connection] of ansible.cfg, or ansible_pipelining: true",
)
# What hosts that were cloned have in common. Tunnels get their hardware addresses from the machine-id.
SHARED = {
    "machine_id": "machine-id {} is that of all of them, and so would be the hardware addresses of their tunnels; "
    "on all but one remove /etc/machine-id and /var/lib/dbus/machine-id, run systemd-machine-id-setup and reboot",
    "macaddress": "hardware address {} is that of all of them; give each its own",
    "product_uuid": "product_uuid {} is that of all of them, as of cloned machines; give each its own",
}


def preflight_problems(
    members: t.Iterable[t.Mapping[str, t.Any]],
    hostvars: t.Mapping[str, t.Any],
    systems: t.Mapping[str, int],
    vip: str = "",
    lb: t.Collection[str] = (),
) -> list[str]:
    """Return the problems of the hosts.

    members are the hosts to check (host, address, reached). systems maps the
    lower-case distribution to the oldest supported major version. lb are the hosts that may hold the address vip.
    """
    problems = []
    for member in members:
        host = member["host"]
        facts = hostvars[host].get("ansible_facts") or {}
        answer = hostvars[host].get(ANSWER) or {}
        if answer.get("failed") and answer.get("msg"):
            problems.append(f"host {host}: could not be inspected; {answer['msg']}")
            continue
        if not member["reached"] or "architecture" not in facts:
            problems.append(
                f"host {host}: not reached; fix the connection (try: ansible {host} -m ansible.builtin.ping) "
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
        problems += [f"host {host}: {entry['message']}" for entry in _obstacles(answer, "error")]
    return problems + _shared(members, hostvars, ("machine_id", "macaddress"))


def clock_obstacles(host: float, before: float, after: float) -> list[Obstacle]:
    """Compare a host's clock with the controller's, which was read before and after."""
    off = min(host - before, 0.0) or max(host - after, 0.0)
    if abs(off) <= SKEW:
        return []
    reason = f"is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the controller's"
    return [error("clock", "clock", reason, "start chrony or systemd-timesyncd on both and wait until they agree")]


def left_out_warnings(hosts: t.Collection[str]) -> list[str]:
    """Return the warning for the nodes that the run leaves out."""
    if not hosts:
        return []
    return [
        f"{hosts_in_words(hosts)}: not reached, and left out of this run (cluster_unreachable_nodes); run site when "
        "they are back, which updates them, or run remove_node"
    ]


def host_warnings(members: t.Iterable[t.Mapping[str, t.Any]], hostvars: t.Mapping[str, t.Any]) -> list[str]:
    """Return the warnings of the hosts, each once with all affected hosts."""
    found: dict[str, list[str]] = {}
    for member in members:
        for entry in _obstacles(hostvars[member["host"]].get(ANSWER) or {}, "warning"):
            found.setdefault(entry["message"], []).append(member["host"])
    reported = [f"host {', '.join(hosts)}: {message}" for message, hosts in found.items()]
    return reported + _shared(members, hostvars, ("product_uuid",))


def _obstacles(answer: t.Mapping[str, t.Any], severity: str) -> list[t.Mapping[str, str]]:
    """Return those of module host_preflight's obstacles."""
    return [entry for entry in answer.get("obstacles") or [] if entry["severity"] == severity]


def _shared(
    members: t.Iterable[t.Mapping[str, t.Any]], hostvars: t.Mapping[str, t.Any], names: t.Iterable[str]
) -> list[str]:
    """Return the hosts that have in common what must differ."""
    return [f"host {', '.join(hosts)}: {text}" for hosts, text in shared(members, hostvars, names)]


def shared(
    members: t.Iterable[t.Mapping[str, t.Any]], hostvars: t.Mapping[str, t.Any], names: t.Iterable[str]
) -> list[tuple[list[str], str]]:
    """Return hosts that have in common what must differ, and what that is."""
    problems = []
    for name in names:
        found: dict[str, list[str]] = {}
        for member in members:
            own = (hostvars[member["host"]].get(ANSWER) or {}).get("identity") or {}
            if own.get(name):
                found.setdefault(own[name], []).append(member["host"])
        problems += [(hosts, SHARED[name].format(value)) for value, hosts in found.items() if len(hosts) > 1]
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
    network = subnet_of_address(str(member["address"]), facts)
    if network is None or ipaddress.ip_address(vip) in network:
        return []
    return [
        f"cluster_api_vip: {vip} is outside the subnet {network} of load balancer {member['host']}; "
        "choose a free address inside it"
    ]


def subnet_of_address(
    address: str, facts: t.Mapping[str, t.Any]
) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network of the interface that holds address, None if the facts do not have it."""
    for name in facts.get("interfaces") or []:
        device = facts.get(str(name).replace("-", "_").replace(".", "_").replace(":", "_")) or {}
        for entry in _entries(device):
            if entry.get("address") == address:
                prefix = entry.get("netmask") or entry.get("prefix")
                return ipaddress.ip_network(f"{address}/{prefix}", strict=False) if prefix else None
    return None


def interface_of_address(address: str, facts: t.Mapping[str, t.Any]) -> str:
    """Return the interface that has address, first or among others; empty if the facts do not have it."""
    for name in facts.get("interfaces") or []:
        device = facts.get(str(name).replace("-", "_").replace(".", "_").replace(":", "_")) or {}
        if address and address in [entry.get("address") for entry in _entries(device)]:
            return str(device.get("device") or name)
    return ""


def _entries(device: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """Return all addresses of an interface, as the facts have them."""
    ipv4 = device.get("ipv4") or {}
    return [
        *([ipv4] if isinstance(ipv4, dict) else ipv4),
        *(device.get("ipv4_secondaries") or []),
        *(device.get("ipv6") or []),
    ]
