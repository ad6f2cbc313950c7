# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, health checks and served certificates of a host, from the endpoints in the layout of role cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.addresses import host_port

Endpoint = t.Mapping[str, t.Any]
LOOPBACK = "127.0.0.1"


def of_groups(endpoints: t.Iterable[Endpoint], groups: t.Container[str]) -> list[Endpoint]:
    """Return the endpoints of hosts in these groups."""
    return [endpoint for endpoint in endpoints if endpoint["group"] in groups]


def listeners(endpoints: t.Iterable[Endpoint]) -> list[dict[str, t.Any]]:
    """Return the ports, as module host_preflight expects them."""
    fields = ("group", "unit", "port", "addresses", "open", "protocol")
    return [{name: endpoint[name] for name in fields if name in endpoint} for endpoint in endpoints]


def health_checks(
    endpoints: t.Iterable[Endpoint], address: str, clients: t.Mapping[str, t.Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the health check of each unit: its URL, for https with the files of its client.

    On loopback if the unit listens there, so that the check depends on the unit alone.
    """
    found: dict[str, dict[str, str]] = {}
    for endpoint in endpoints:
        if "health" not in endpoint:
            continue
        client = dict(clients[endpoint["client"]]) if "client" in endpoint else {}
        scheme = "https" if client else "http"
        url = f"{scheme}://{host_port(connect_address(endpoint, address), endpoint['port'])}{endpoint['health']}"
        found[endpoint["unit"]] = {"url": url, **client}
    return found


def connect_address(endpoint: Endpoint, address: str) -> str:
    """Return the address at which the host itself connects to an endpoint."""
    return LOOPBACK if LOOPBACK in endpoint["addresses"] else address


def served_certificates(endpoints: t.Iterable[Endpoint], host: str, address: str) -> list[dict[str, t.Any]]:
    """Return the listeners with certificates, as module host_health expects them."""
    return [
        {
            "name": f"{endpoint.get('title', endpoint['unit'])} on {host}",
            "host": _certificate_address(endpoint, address),
            "port": endpoint["port"],
            "path": endpoint["certificate"],
        }
        for endpoint in endpoints
        if "certificate" in endpoint
    ]


def certificate_endpoints(endpoints: t.Iterable[Endpoint], address: str) -> list[dict[str, t.Any]]:
    """Return the listeners with certificates, as module pki_info expects them."""
    return [
        {
            "endpoint": host_port(_certificate_address(endpoint, address), endpoint["port"]),
            "path": endpoint["certificate"],
            "used_by": [endpoint["unit"]],
        }
        for endpoint in endpoints
        if "certificate" in endpoint
    ]


def _certificate_address(endpoint: Endpoint, address: str) -> str:
    """Return the address that other hosts use, if there is one."""
    return address if "node" in endpoint["addresses"] else LOOPBACK
