# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimal DNS client over UDP (RFC 1035)."""

from __future__ import annotations

import secrets
import socket
import struct
from typing import Optional

_ADDRESS_OF_A_NAME = (1, 1)
_POINTER = 0xC0
CODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}


class DnsError(Exception):
    """Why there is no address: no answer, a code of the server, or an answer that cannot be read."""


def query(name: str, identity: int) -> bytes:
    """Return the packet that asks for the IPv4 addresses of a name."""
    labels = b"".join(bytes((len(label),)) + label.encode("ascii") for label in name.rstrip(".").split("."))
    return struct.pack(">6H", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", *_ADDRESS_OF_A_NAME)


def addresses(packet: bytes, identity: int) -> list[str]:
    """Return the IPv4 addresses in an answer; raise DnsError for any other packet."""
    try:
        answered, flags, questions, answers, _cas, _more = struct.unpack(">6H", packet[:12])
        if answered != identity or not flags & 0x8000:
            raise DnsError("the response does not match the query")
        if code := flags & 0x000F:
            raise DnsError(f"the server says: {CODES.get(code, f'code {code}')}")
        place = 12
        for _number in range(questions):
            place = _after_name(packet, place) + 4
        found = []
        for _number in range(answers):
            place = _after_name(packet, place)
            kind, klass, _seconds, length = struct.unpack(">2HIH", packet[place : place + 10])
            place += 10
            if (kind, klass) == _ADDRESS_OF_A_NAME and length == 4:
                found.append(socket.inet_ntoa(packet[place : place + 4]))
            place += length
        return found
    except (struct.error, IndexError, OSError) as exc:
        raise DnsError("the answer is truncated") from exc


def _after_name(packet: bytes, place: int) -> int:
    """Return where a name ends: at its last label, or at a pointer to a name that came before."""
    while packet[place]:
        if packet[place] & _POINTER == _POINTER:
            return place + 2
        place += packet[place] + 1
    return place + 1


def resolve(server: str, name: str, *, port: int = 53, timeout: float = 2.0) -> list[str]:
    """Return the IPv4 addresses that a server has for a name; raise DnsError where it has none to give."""
    identity = secrets.randbelow(0x10000)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(timeout)
            # Connected: an ICMP error comes back as an error, and packets of others are not taken.
            link.connect((server, port))
            link.send(query(name, identity))
            return addresses(link.recv(4096), identity)
    except socket.timeout as exc:
        raise DnsError("no answer") from exc
    except OSError as exc:
        raise DnsError(exc.strerror or str(exc)) from exc


def disagreement(found: list[str], wanted: Optional[str]) -> str:
    """Return why an answer is wrong; empty where it is right, or where any answer is."""
    if wanted and wanted not in found:
        return f"the answer is {', '.join(found) or 'empty'}, and {wanted} is expected"
    return ""
