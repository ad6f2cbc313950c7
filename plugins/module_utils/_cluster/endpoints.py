# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, health checks and served certificates of a host, from the endpoints in the layout of role cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.addresses import host_port

Endpoint = t.Mapping[str, t.Any]
# What the names in endpoints stand for: ports, directories and clients by name, node and vip; absent: units that the
# host does not have.
Names = t.Mapping[str, t.Any]
LOOPBACK = "127.0.0.1"


def of_groups(
    endpoints: t.Iterable[Endpoint], groups: t.Container[str], absent: t.Container[str] = ()
) -> list[Endpoint]:
    """Return the endpoints of hosts in these groups, but for units that are absent."""
    return [one for one in endpoints if one["group"] in groups and one["unit"] not in absent]


def listeners(endpoints: t.Iterable[Endpoint], names: Names) -> list[dict[str, t.Any]]:
    """Return the ports, as module host_preflight expects them."""
    return [
        {
            "group": endpoint["group"],
            "unit": endpoint["unit"],
            "port": names["ports"][endpoint["port"]],
            "addresses": [names["vip"] if one == "vip" else one for one in endpoint["addresses"]],
        }
        for endpoint in endpoints
    ]


def health_checks(endpoints: t.Iterable[Endpoint], names: Names) -> dict[str, dict[str, str]]:
    """Return the health check of each unit: its URL, for https with the files of its client.

    On loopback if the unit listens there, so that the check depends on the unit alone.
    """
    found: dict[str, dict[str, str]] = {}
    for endpoint in endpoints:
        if "health" in endpoint:
            client = dict(names["clients"][endpoint["client"]]) if "client" in endpoint else {}
            address = LOOPBACK if LOOPBACK in endpoint["addresses"] else names["node"]
            place = host_port(address, names["ports"][endpoint["port"]])
            found[endpoint["unit"]] = {
                "url": f"{'https' if client else 'http'}://{place}{endpoint['health']}",
                **client,
            }
    return found


def served_certificates(endpoints: t.Iterable[Endpoint], names: Names, host: str) -> list[dict[str, t.Any]]:
    """Return the listeners with certificates, as module host_health expects them."""
    return [
        {
            "name": f"{endpoint.get('title', endpoint['unit'])} on {host}",
            "host": _served_address(endpoint, names),
            "port": names["ports"][endpoint["port"]],
            "path": _certificate(endpoint, names),
        }
        for endpoint in endpoints
        if "certificate" in endpoint
    ]


def certificate_endpoints(endpoints: t.Iterable[Endpoint], names: Names) -> list[dict[str, t.Any]]:
    """Return the listeners with certificates, as module pki_info expects them."""
    return [
        {
            "endpoint": host_port(_served_address(endpoint, names), names["ports"][endpoint["port"]]),
            "path": _certificate(endpoint, names),
            "used_by": [endpoint["unit"]],
        }
        for endpoint in endpoints
        if "certificate" in endpoint
    ]


def _served_address(endpoint: Endpoint, names: Names) -> str:
    """Return the address that other hosts use, if there is one."""
    return str(names["node"]) if "node" in endpoint["addresses"] else LOOPBACK


def _certificate(endpoint: Endpoint, names: Names) -> str:
    """Return the path of the certificate."""
    directory, _slash, name = endpoint["certificate"].partition("/")
    return f"{names['directories'][directory]}/{name}"
