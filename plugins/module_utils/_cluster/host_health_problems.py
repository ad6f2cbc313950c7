# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the state of one host and returns its problems. No I/O."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

# systemd has started a unit again so often, and its process is this young (seconds): it does not stay up.
RESTARTS = 3
YOUNG = 30.0


def service_problems(services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the units that do not run, do not answer, or whose own checks fail."""
    return [f"{service['name']}: {service['error']}" for service in services if service["error"]]


def crash_loop(restarts: int, age: float) -> str:
    """Return why a unit that runs at the moment does not stay up; empty where it does."""
    if restarts >= RESTARTS and age < YOUNG:
        return f"systemd has restarted it {restarts} times, {age:.0f} s ago the last time"
    return ""


def complaint(journal: str, patterns: Sequence[str]) -> str:
    """Return the first line of a unit's journal that matches one of the patterns; empty for none."""
    wanted = [re.compile(pattern) for pattern in patterns]
    return next((line.strip() for line in journal.splitlines() if any(one.search(line) for one in wanted)), "")


def dns_problems(asked: Sequence[Mapping[str, Any]], here: str) -> list[str]:
    """Return the names that were not resolved each time, with what stood in the way."""
    found = []
    for item in asked:
        if not item["errors"]:
            continue
        share = f"{len(item['errors'])} of {item['queries']} queries"
        found.append(
            f"DNS asked from {here}: {item['name']} at {item['server']}: {share}: {item['errors'][0]}; "
            "check the CoreDNS pods, kube-proxy on this host, and packets between nodes (firewalls; restart flanneld)"
        )
    return found


def cni_configurations(names: Sequence[str]) -> list[str]:
    """Return the files of a directory that a container runtime takes for network configurations, in its order."""
    return sorted(name for name in names if name.endswith((".conf", ".conflist", ".json")))


def cni_problem(names: Sequence[str], wanted: str, directory: str) -> str:
    """Return why the container runtime does not use the wanted network configuration; it takes the first by name."""
    configurations = cni_configurations(names)
    if wanted not in configurations:
        return f"{directory}/{wanted}: missing, so no pod gets a network here; run site.yml again"
    if configurations[0] != wanted:
        return (
            f"{directory}/{configurations[0]}: comes before {wanted}, so pods get that network; "
            "remove it, or what writes it"
        )
    return ""


def address_problem(addresses: Sequence[str], ranges: Sequence[str]) -> str:
    """Return which pods' addresses are not of this node's ranges, so that no other node has a route to them."""
    networks = [ipaddress.ip_network(each) for each in ranges]
    stale = [each for each in addresses if not any(ipaddress.ip_address(each) in network for network in networks)]
    if not stale or not ranges:
        return ""
    return (
        f"pods have addresses outside of this node's range {', '.join(ranges)}: {', '.join(stale)}; "
        "restart flanneld here, which moves them"
    )


def sysctl_problems(values: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return the kernel settings that differ. One that this kernel does not have is no problem here."""
    return [
        f"sysctl {name}: is {values[name]}, and {value} is needed; run site.yml again"
        for name, value in wanted.items()
        if name in values and values[name] != value
    ]


def shutdown_problem(answer: str, wanted: float) -> str:
    """Return why a shutdown does not wait for the pods, from what busctl prints of logind's InhibitDelayMaxUSec."""
    words = answer.split()
    if len(words) != 2 or not words[1].isdigit() or int(words[1]) >= wanted * 1e6:
        return ""
    return (
        f"logind: ends a delay of the shutdown after {int(words[1]) / 1e6:g} s, and pods may have {wanted:g} s; look "
        "for a file that sorts after ours in /etc/systemd/logind.conf.d, and run "
        "systemctl restart systemd-logind kubelet"
    )


def served_problems(served: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the listeners that do not show the certificate that is on disk."""
    found = []
    for item in served:
        where = f"{item['name'] or 'the listener'} at {item['host']}:{item['port']}"
        if item["error"]:
            found.append(f"certificate of {where}: {item['error']}")
        elif item["served"] != item["on_disk"]:
            found.append(
                f"certificate of {where}: serves {item['served'][:16]}…, but {item['path']} "
                f"is {item['on_disk'][:16]}…; restart the service"
            )
    return found


def holder_problems(
    hosts: Mapping[str, Mapping[str, Any]], balancers: Sequence[str], addresses: Sequence[str]
) -> list[str]:
    """Return the virtual addresses that not exactly one load balancer has; hosts maps names to what they reported.

    Without an answer of every load balancer nothing is said: the one that is missing may have the address.
    """
    reports = {name: hosts.get(name, {}).get("held") for name in balancers}
    if any(held is None for held in reports.values()) or not reports:
        return []
    found = []
    for address in addresses:
        holders = [name for name, held in reports.items() if address in (held or [])]
        if not holders:
            found.append(
                f"virtual address {address}: no load balancer has it; "
                f"see journalctl -u keepalived on {', '.join(reports)}"
            )
        elif len(holders) > 1:
            found.append(
                f"virtual address {address}: {', '.join(holders)} have it at once; VRRP (IP protocol 112) must pass "
                "between them, and keepalived_password must be the same"
            )
    return found
