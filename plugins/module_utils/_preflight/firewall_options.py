# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the options of role host about firewalls."""

from __future__ import annotations

import ipaddress
import re
import typing as t

GROUPS = ("etcd", "master", "lb", "node")
KEYS = {"port", "protocol", "from", "group"}
PORT = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?")
LAST_PORT = 65535


def source(value: t.Any) -> str:
    """Return what is wrong with an address or a network."""
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return f"{value!r} is neither an address nor a network; write it as 192.0.2.7 or 192.0.2.0/24"
    return ""


def extra_port(value: t.Any) -> str:
    """Return what is wrong with an entry of host_firewall_extra_ports."""
    if not isinstance(value, dict) or not value.keys() <= KEYS or not {"port", "from"} <= value.keys():
        return f"{value!r} is no port; write {{port: 4240, protocol: tcp, from: [node], group: node}}"
    if value.get("protocol", "tcp") not in ("tcp", "udp"):
        return f"protocol {value['protocol']!r} is neither tcp nor udp; correct it"
    if "group" in value and value["group"] not in GROUPS:
        return f"group {value['group']!r} is none of {', '.join(GROUPS)}; correct it"
    given = value["from"]
    if not isinstance(given, list) or not given:
        return f"from {given!r} is no list; write [node], or other groups, pods, addresses and networks"
    return _port(str(value["port"])) or next((text for one in given if (text := _client(one))), "")


def _client(value: t.Any) -> str:
    return "" if value in (*GROUPS, "pods") else source(value)


def _port(text: str) -> str:
    numbers = [int(part) for part in text.split("-")] if PORT.fullmatch(text) else []
    if numbers and 1 <= numbers[0] <= numbers[-1] <= LAST_PORT:
        return ""
    return f"port {text!r} is neither a port nor a range; write it as 4240 or 4240-4250"
