# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a firewall has to let in for a host's part in the cluster, as plain data. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# The mark of everything that is ours in a firewall.
MARK = "hardway.kubernetes"
ANYWHERE = "0.0.0.0/0"


class Rule(NamedTuple):
    """Packets of one protocol from one source to some ports of the host; VRRP has no ports."""

    source: str
    protocol: str
    ports: tuple[str, ...]


class Forward(NamedTuple):
    """Packets that the host forwards from a source to a destination; either may be anywhere."""

    source: str
    destination: str


def network(text: str) -> str:
    """Return an address or a network as all firewalls print it."""
    found = ipaddress.ip_network(text.strip(), strict=False)
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def is_ipv6(text: str) -> bool:
    """Return whether an address or a network is of IPv6."""
    return ":" in text


def port_range(port: str) -> tuple[int, int]:
    """Return the first and the last port of `2379` or `30000-32767`."""
    first, _dash, last = port.replace(":", "-").partition("-")
    return int(first), int(last or first)


def rules(openings: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """Return one rule for each source and protocol, with all ports, in a stable order."""
    found: dict[tuple[str, str], set[str]] = {}
    for opening in openings:
        for source in opening["sources"]:
            ports = found.setdefault((network(source), opening["protocol"]), set())
            ports.update([str(opening["port"])] if opening["port"] else [])
    return [
        Rule(source, protocol, _without_repetitions(ports))
        for (source, protocol), ports in sorted(found.items(), key=lambda entry: (_place(entry[0][0]), entry[0][1]))
    ]


def _without_repetitions(ports: Iterable[str]) -> tuple[str, ...]:
    """Return ports in order, without those that a range has, too."""
    found = sorted(ports, key=port_range)
    spans = [(port, *port_range(port)) for port in found]
    return tuple(
        port
        for port, first, last in spans
        if not any(low <= first and last <= high and (low, high) != (first, last) for _port, low, high in spans)
    )


def forwards(given: Iterable[Mapping[str, str]]) -> list[Forward]:
    """Return what is forwarded, without repetitions."""
    found = [Forward(*(network(one[key]) if one[key] else "" for key in ("source", "destination"))) for one in given]
    return [one for one in dict.fromkeys(found) if one.source or one.destination]


def _place(text: str) -> tuple[int, int, int]:
    found = ipaddress.ip_network(text)
    return found.version, int(found.network_address), found.prefixlen
