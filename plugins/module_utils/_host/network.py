# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's interfaces, addresses, routes and listening sockets, read from the kernel without a program."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of

RTM_GETLINK, RTM_GETADDR, NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 18, 22, 1, 0x300, 2, 3
IFA_ADDRESS, IFA_LOCAL, IFA_F_SECONDARY, IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU = 1, 2, 1, 1, 3, 4
LISTEN = "0A"
Address = dict[str, Any]


def addresses() -> list[Address]:
    """Return every address of every interface: interface, address, prefix, secondary."""
    names = dict(socket.if_nameindex())
    found = [parse_address(body, names) for body in dump(RTM_GETADDR)]
    return [entry for entry in found if entry]


def links() -> dict[str, str]:
    """Return the hardware address of every interface, by its name; /sys may show another network namespace."""
    return dict(parse_link(body) for body in dump(RTM_GETLINK))


def mtus() -> dict[str, int]:
    """Return the MTU of every interface, by its name."""
    return dict(parse_mtu(body) for body in dump(RTM_GETLINK))


def sources(peers: Iterable[str]) -> list[str]:
    """Return the addresses from which this host connects to others, by its routes; no packet is sent."""
    found: dict[str, None] = {}
    for peer in peers:
        family = socket.AF_INET6 if ":" in peer else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((peer, 9))
            found[str(probe.getsockname()[0])] = None
    return list(found)


def dump(kind: int) -> list[bytes]:
    """Return the bodies of all messages with which the kernel answers a request for everything."""
    found: list[bytes] = []
    request = struct.pack("=IHHIIB15x", 32, kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0, socket.AF_UNSPEC)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.settimeout(2)
        link.send(request)
        while True:
            for answer, body in messages(link.recv(1 << 18)):
                if answer in (NLMSG_ERROR, NLMSG_DONE):
                    return found
                found.append(body)


def messages(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a netlink packet into message types and bodies."""
    offset = 0
    while offset + 16 <= len(packet):
        length, kind = struct.unpack_from("=IH", packet, offset)
        if length < 16:
            return
        yield kind, packet[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def parse_address(body: bytes, names: Mapping[int, str]) -> Optional[Address]:
    """Return one address of an RTM_NEWADDR message."""
    _family, prefix, flags, _scope, index = struct.unpack_from("=BBBBI", body)
    values = attributes(body, 8)
    # Of a point-to-point link IFA_ADDRESS is the other end.
    raw = values.get(IFA_LOCAL) or values.get(IFA_ADDRESS)
    if raw is None or index not in names:
        return None
    return {
        "interface": names[index],
        "address": str(ipaddress.ip_address(raw)),
        "prefix": prefix,
        "secondary": bool(flags & IFA_F_SECONDARY),
    }


def parse_link(body: bytes) -> tuple[str, str]:
    """Return name and hardware address of an RTM_NEWLINK message."""
    values = attributes(body, 16)
    address = values.get(IFLA_ADDRESS, b"")
    return values.get(IFLA_IFNAME, b"").rstrip(b"\0").decode(), ":".join(f"{byte:02x}" for byte in address)


def parse_mtu(body: bytes) -> tuple[str, int]:
    """Return name and MTU of an RTM_NEWLINK message; 0 if it has none."""
    values = attributes(body, 16)
    name = values.get(IFLA_IFNAME, b"").rstrip(b"\0").decode()
    return name, int.from_bytes(values.get(IFLA_MTU, b""), sys.byteorder)


def attributes(body: bytes, offset: int) -> dict[int, bytes]:
    """Return the attributes of a message by their kinds."""
    values: dict[int, bytes] = {}
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            break
        values[kind] = body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return values


def parse_routes(table: str, table6: str = "") -> list[dict[str, str]]:
    """Return the routes of /proc/net/route and /proc/net/ipv6_route: interface, network, gateway."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or not int(fields[3], 16) & 1:
            continue
        network, gateway, mask = (_ipv4(fields[n]) for n in (1, 2, 7))
        found.append(
            {
                "interface": fields[0],
                "network": str(ipaddress.ip_network(f"{network}/{mask}", strict=False)),
                "gateway": gateway if int(fields[2], 16) else "",
            }
        )
    for line in table6.splitlines():
        fields = line.split()
        # Rejecting routes and local addresses are no networks of anybody.
        if len(fields) < 10 or fields[9] == "lo" or not int(fields[8], 16) & 1:
            continue
        network6 = ipaddress.IPv6Network((int(fields[0], 16), int(fields[1], 16)), strict=False)
        if not network6.is_link_local and not network6.is_multicast:
            gateway = str(ipaddress.IPv6Address(int(fields[4], 16)))
            found.append(
                {"interface": fields[9], "network": str(network6), "gateway": "" if gateway == "::" else gateway}
            )
    return found


def _ipv4(text: str) -> str:
    """Return the address that /proc writes as one number in the machine's byte order."""
    return str(ipaddress.IPv4Address(struct.pack("=I", int(text, 16))))


def parse_sockets(table: str, protocol: str) -> list[dict[str, Any]]:
    """Return the listening sockets of /proc/net/tcp, tcp6, udp or udp6: protocol, address, port, inode."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or (protocol == "tcp" and fields[3] != LISTEN):
            continue
        local, _colon, port = fields[1].partition(":")
        raw = b"".join(struct.pack("=I", int(local[n : n + 8], 16)) for n in range(0, len(local), 8))
        address = ipaddress.ip_address(raw)
        mapped = getattr(address, "ipv4_mapped", None)
        found.append(
            {"protocol": protocol, "address": str(mapped or address), "port": int(port, 16), "inode": fields[9]}
        )
    return found


def holders(inodes: set[str], units: set[str], root: str = "") -> dict[str, dict[str, Any]]:
    """Return pid, program and unit of the processes that hold these sockets, by inode.

    The processes of these units are inspected first: on a host of a cluster they hold all that is asked for.
    """
    found: dict[str, dict[str, Any]] = {}
    if not inodes:
        return found
    pids = {
        int(name): unit_of(text_of(f"{root}/proc/{name}/cgroup")) for name in _listdir(f"{root}/proc") if name.isdigit()
    }
    for pid in sorted(pids, key=lambda pid: (pids[pid] not in units, pid)):
        if inodes <= found.keys():
            break
        for name in _listdir(f"{root}/proc/{pid}/fd"):
            try:
                target = os.readlink(f"{root}/proc/{pid}/fd/{name}")
            except OSError:
                continue
            inode = target[8:-1] if target.startswith("socket:[") else ""
            if inode in inodes and inode not in found:
                program = text_of(f"{root}/proc/{pid}/comm").strip()
                found[inode] = {"pid": pid, "program": program, "unit": pids[pid]}
    return found


def unit_of(cgroups: str) -> str:
    """Return the service or scope of a process from its /proc/PID/cgroup, "pod" for one of a pod."""
    if "/kubepods" in cgroups:
        return "pod"
    found = re.findall(r"([^/:\n]+\.(?:service|scope))(?=$|/)", cgroups, re.MULTILINE)
    return str(found[-1]) if found else ""


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def facts(entries: list[Address], routes: list[dict[str, str]], links: Mapping[str, str]) -> dict[str, Any]:
    """Return interfaces and addresses in the form of Ansible's facts; links are the hardware addresses by interface."""
    names = sorted({*links, *(entry["interface"] for entry in entries)})
    reported: dict[str, Any] = {"ansible_interfaces": names, "ansible_all_ipv4_addresses": []}
    for name in names:
        device: dict[str, Any] = {"device": name, **({"macaddress": links[name]} if links.get(name) else {})}
        for entry in (entry for entry in entries if entry["interface"] == name):
            address = ipaddress.ip_interface(f"{entry['address']}/{entry['prefix']}")
            if address.version == 6:
                scope = "link" if address.is_link_local else "host" if address.is_loopback else "global"
                form = {"address": entry["address"], "prefix": str(entry["prefix"]), "scope": scope}
                device.setdefault("ipv6", []).append(form)
                continue
            form = {
                "address": entry["address"],
                "prefix": str(entry["prefix"]),
                "netmask": str(address.netmask),
                "network": str(address.network.network_address),
            }
            if "ipv4" in device:
                device.setdefault("ipv4_secondaries", []).append(form)
            else:
                device["ipv4"] = form
            if not address.is_loopback:
                reported["ansible_all_ipv4_addresses"].append(entry["address"])
        reported["ansible_" + re.sub(r"[-.:]", "_", name)] = device
    reported["ansible_default_ipv4"] = _default(entries, routes)
    return reported


def _default(entries: list[Address], routes: list[dict[str, str]]) -> dict[str, Any]:
    """Return the address from which packets leave by the default route."""
    for route in routes:
        if route["network"] != "0.0.0.0/0":
            continue
        own = [entry for entry in entries if entry["interface"] == route["interface"] and ":" not in entry["address"]]
        if own:
            gateway = ipaddress.ip_address(route["gateway"] or own[0]["address"])
            near = [
                entry
                for entry in own
                if gateway in ipaddress.ip_network(f"{entry['address']}/{entry['prefix']}", strict=False)
            ]
            best = (near or own)[0]
            return {"address": best["address"], "interface": route["interface"], "gateway": route["gateway"]}
    return {}
