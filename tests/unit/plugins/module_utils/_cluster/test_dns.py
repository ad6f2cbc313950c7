# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One query to a DNS server, and how its answer is parsed."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import dns
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_health_problems as health
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_health_probe import resolved

NAME = "kubernetes.default.svc.cluster.local"


def answer(question: bytes, *addresses: str, code: int = 0) -> bytes:
    """Return what a server answers to a packet: the question again, a CNAME, and the addresses."""
    head = struct.pack(">6H", int.from_bytes(question[:2], "big"), 0x8180 | code, 1, len(addresses) + 1, 0, 0)
    pointer = struct.pack(">H", 0xC00C)
    alias = pointer + struct.pack(">2HIH", 5, 1, 30, 2) + pointer
    records = [pointer + struct.pack(">2HIH", 1, 1, 30, 4) + socket.inet_aton(address) for address in addresses]
    return head + question[12:] + alias + b"".join(records)


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[bytes, int], bytes | None]], int]]:
    """Return what starts a server that answers each packet, counted from 0, and gives its port."""
    ends: list[socket.socket] = []

    def start(reply: Callable[[bytes, int], bytes | None]) -> int:
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.bind(("127.0.0.1", 0))
        ends.append(link)

        def serve() -> None:
            count = 0
            while True:
                try:
                    packet, client = link.recvfrom(512)
                except OSError:
                    return
                if (said := reply(packet, count)) is not None:
                    link.sendto(said, client)
                count += 1

        threading.Thread(target=serve, daemon=True).start()
        return int(link.getsockname()[1])

    yield start
    for link in ends:
        link.close()


def test_a_name_is_resolved_through_an_alias(server: Callable[..., int]) -> None:
    port = server(lambda packet, _count: answer(packet, "10.96.0.1", "10.96.0.2"))
    assert dns.resolve("127.0.0.1", NAME, port=port) == ["10.96.0.1", "10.96.0.2"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda packet: answer(packet, code=3), "no such name"),
        (lambda packet: answer(packet, code=2), "server failure"),
        (lambda packet: answer(packet, "10.96.0.1")[:-2], "is truncated"),
        (lambda packet: bytes((packet[0] ^ 1,)) + answer(packet, "10.96.0.1")[1:], "does not match the query"),
        (lambda packet: b"x", "is truncated"),
        (lambda packet: None, "no answer"),
    ],
)
def test_the_reason_for_a_missing_address_is_reported(
    server: Callable[..., int], reply: Callable[..., bytes], words: str
) -> None:
    port = server(lambda packet, _count: reply(packet))
    with pytest.raises(dns.DnsError, match=words):
        dns.resolve("127.0.0.1", NAME, port=port, timeout=0.3)


def test_one_of_two_servers_that_is_unresponsive_is_noticed(
    server: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server(lambda packet, count: answer(packet, "10.96.0.1") if count % 2 else answer(packet, code=2))
    asked = {"server": "127.0.0.1", "port": port, "name": NAME, "answer": "10.96.0.1"}
    seen = resolved([asked])
    (problem,) = health.dns_problems(seen, "k1")
    assert problem.startswith(
        f"DNS asked from k1: {NAME} at 127.0.0.1: 4 of 8 queries: the server says: server failure;"
    )
    (wrong,) = resolved([{**asked, "answer": "10.96.0.9"}])
    assert "the answer is 10.96.0.1, and 10.96.0.9 is expected" in wrong["errors"]
