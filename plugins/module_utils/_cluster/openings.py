# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall of a host has to let in and to forward, from the endpoints in the layout of role cluster."""

from __future__ import annotations

import typing as t

Endpoint = t.Mapping[str, t.Any]
# ports: numbers by name; absent: units that the host does not have; groups: hosts, or their names;
# networks: addresses and networks by name; forwards: whether the host forwards packets of pods.
Names = t.Mapping[str, t.Any]
PODS, NODE_PORTS = "pods", "node_port_clients"


def rules(endpoints: t.Iterable[Endpoint], groups: t.Container[str], names: Names, host: str) -> dict[str, t.Any]:
    """Return the options openings and forwards of module host_firewall for one host."""
    own = [
        one
        for one in endpoints
        if one.get("from") and (not one.get("group") or one["group"] in groups) and one["unit"] not in names["absent"]
    ]
    return {
        "openings": [opening for one in own if (opening := _opening(one, names, host))],
        "forwards": _forwards(names, host) if names["forwards"] and "node" in groups else [],
    }


def _opening(endpoint: Endpoint, names: Names, host: str) -> t.Optional[dict[str, t.Any]]:
    """Return what to open for an endpoint, None if no client of it is on another host."""
    words, sources = [], []
    for word in endpoint["from"]:
        if word in names["groups"]:
            others, found = _others(names["groups"][word], host)
        else:
            others = found = list(names["networks"].get(word, () if word in names["networks"] else [word]))
        if others:
            words.append(word)
            sources += found
    if not words:
        return None
    protocol = endpoint.get("protocol", "tcp")
    return {
        "unit": endpoint["unit"],
        "protocol": protocol,
        "port": "" if protocol == "vrrp" else str(names["ports"].get(endpoint["port"], endpoint["port"])),
        "sources": list(dict.fromkeys(sources)),
        "clients": ", ".join(dict.fromkeys(words)),
    }


def _others(hosts: t.Iterable[t.Any], host: str) -> tuple[list[str], list[str]]:
    """Return the names of other hosts, and their addresses as far as they are known."""
    given = [{"host": one, "address": ""} if isinstance(one, str) else one for one in hosts]
    others = [one for one in given if one["host"] != host]
    return [one["host"] for one in others], [one["address"] for one in others if one["address"]]


def _forwards(names: Names, host: str) -> list[dict[str, str]]:
    """Return what goes from and to the pods: all of theirs, and what other nodes and clients of services send."""
    pods = names["networks"][PODS]
    nodes = _others(names["groups"]["node"], host)[1]
    found = [{"source": network, "destination": ""} for network in pods]
    return found + [
        {"source": source, "destination": network}
        for network in pods
        for source in (*nodes, *names["networks"][NODE_PORTS])
        if (":" in source) == (":" in network)
    ]
