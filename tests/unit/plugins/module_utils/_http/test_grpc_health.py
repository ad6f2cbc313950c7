# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a gRPC server at a socket: it must answer, not only accept the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http import client
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import health_problem

SETTINGS = bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + b"\x00\x05\x00\x00\x40\x00"


@contextmanager
def server(path: Path, says: bytes | None) -> Iterator[str]:
    """Answer one client after its greeting; None: accept the connection and answer nothing."""
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            link = listener.accept()[0]
            with link:
                assert link.recv(64).startswith(b"PRI * HTTP/2.0")
                if says is None:
                    done.wait(5)
                else:
                    link.sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"unix://{path}"
        done.set()
        thread.join(5)


def test_a_server_that_answers_is_healthy(tmp_path: Path) -> None:
    with server(tmp_path / "socket", SETTINGS) as url:
        assert health_problem({"url": url}) == ""


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["http1", "closed"])
def test_another_answer_is_no_grpc_server(tmp_path: Path, says: bytes) -> None:
    with server(tmp_path / "socket", says) as url:
        assert "no gRPC server is at this socket" in health_problem({"url": url})


def test_a_process_that_hangs_is_unhealthy(tmp_path: Path) -> None:
    with server(tmp_path / "socket", None) as url, pytest.raises(client.HttpError, match="timeout"):
        client.wait_for_grpc_greeting(url, timeout=0.2)


def test_a_socket_without_a_listener_is_reported(tmp_path: Path) -> None:
    assert f"gRPC unix://{tmp_path}/none: no response" in health_problem({"url": f"unix://{tmp_path}/none"})
