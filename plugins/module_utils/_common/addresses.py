# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, ranges and host:port pairs."""

from __future__ import annotations

import ipaddress


def nth_address(cidr: str, number: int) -> str:
    """Return the address number places after the network address of cidr.

    A malformed or too small range gives an empty string: the preflight check names it with its remedy.
    """
    try:
        network = ipaddress.ip_network(cidr)
        address = network[number]
    except (ValueError, IndexError):
        return ""
    return str(address)


def host_port(host: str, port: int | str) -> str:
    """Return host:port, with brackets around an IPv6 address; a host that already has a port is left as it is."""
    if not host:
        return ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host if ":" in host else f"{host}:{port}"
    return f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}"
