# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which answers of a running unit count as negative: those restart it before its turn."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http import client
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import query_health


@contextmanager
def serving(answer: bytes | None) -> Iterator[str]:
    """Return the URL of a server that sends this to each client, or keeps them waiting."""
    kept = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                kept.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/readyz"
        server.shutdown(socket.SHUT_RDWR)
    for connection in kept:
        connection.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer for a moment only."""
    request = client.request
    monkeypatch.setattr(client, "request", lambda url, *, tls, timeout: request(url, tls=tls, timeout=timeout / 20))


@pytest.mark.parametrize(
    ("answer", "negative", "healthy"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False, True),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", True, False),
        (b"\x15\x03\x01nonsense", False, False),
        (None, False, False),
    ],
    ids=["healthy", "unhealthy", "unreadable", "slow"],
)
def test_slow_and_unreadable_answers_are_not_negative(answer: bytes | None, negative: bool, healthy: bool) -> None:
    with serving(answer) as url:
        found, problem = query_health({"url": url})
    assert (found, problem == "") == (negative, healthy), problem


def test_a_refused_connection_is_negative() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert query_health({"url": f"http://127.0.0.1:{port}/readyz"})[0] is True
