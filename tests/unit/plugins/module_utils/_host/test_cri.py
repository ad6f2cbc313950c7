# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the container runtime interface, against a server that speaks as gRPC servers do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cri


class Server:
    """Answers each call with the next message, or refuses with headers alone."""

    def __init__(self, path: Path, answers: list[bytes | None]) -> None:
        """Listen."""
        self.calls: list[tuple[str, bytes]] = []
        self.answers = answers
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self.answers:
            link = self._socket.accept()[0]
            stream = link.makefile("rb")
            stream.read(24)
            link.sendall(cri.frame(4, 0, 0, b"") + cri.frame(6, 0, 0, b"12345678"))
            path, pinged = "", False
            while True:
                head = stream.read(9)
                payload = stream.read(int.from_bytes(head[:3], "big"))
                if head[3] == 1:
                    start = payload.index(b":path") + 6
                    path = payload[start : start + payload[start - 1]].decode()
                pinged = pinged or (head[3] == 6 and head[4] == 1 and payload == b"12345678")
                if head[3] == 0:
                    self.calls.append((path, payload[5:]))
                if path and pinged:
                    break
            link.sendall(cri.frame(1, 4 if answer is not None else 5, 1, b"\x88"))
            if answer is not None:
                whole = struct.pack(">BL", 0, len(answer)) + answer
                # As large answers, in several frames.
                link.sendall(cri.frame(0, 0, 1, whole[:3]) + cri.frame(0, 0, 1, whole[3:]))
                link.sendall(cri.frame(1, 5, 1, b""))
            stream.close()
            link.close()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Return where the server listens."""
    yield tmp_path / "s"


def pod(number: str, name: str) -> bytes:
    """Return a pod sandbox as a field of a list."""
    metadata = cri.field(1, name.encode()) + cri.field(2, b"uid") + cri.field(3, b"shop")
    return cri.field(1, cri.field(1, number.encode()) + cri.field(2, metadata) + b"\x18\x01" + b"\x20\xe0\xd4\x03")


def test_pods_are_listed_ready_or_not(path: Path) -> None:
    many = [pod(f"{number:064}", f"pod-{number}") for number in range(200)]
    server = Server(path, [b"".join(many), b""])
    found = cri.Runtime(str(path), timeout=5).pods()
    assert len(found) == 200 and found[f"{7:064}"] == "shop/pod-7"
    assert server.calls == [("/runtime.v1.RuntimeService/ListPodSandbox", b"")]
    assert cri.Runtime(str(path), timeout=5).pods() == {}


def test_a_pod_is_stopped_and_removed(path: Path) -> None:
    server = Server(path, [b"", b""])
    cri.Runtime(str(path), timeout=5).end("abc")
    assert [call.rpartition("/")[2] for call, _body in server.calls] == ["StopPodSandbox", "RemovePodSandbox"]
    assert server.calls[0][1] == b"\x0a\x03abc"


def test_a_refusal_is_an_error(path: Path) -> None:
    Server(path, [None])
    with pytest.raises(HardwayError, match="StopPodSandbox was refused; see journalctl"):
        cri.Runtime(str(path), timeout=5).end("abc")


def test_no_server(path: Path) -> None:
    with pytest.raises(HardwayError, match="No such file or directory; see journalctl"):
        cri.Runtime(str(path)).pods()


def test_running_containers_and_ready_pods_are_asked_for(path: Path) -> None:
    containers = [cri.field(1, cri.field(1, name) + cri.number(6, 1)) for name in (b"c2", b"c1")]
    server = Server(path, [b"".join(containers), pod("s1", "web")])
    runtime = cri.Runtime(str(path), timeout=5)
    assert runtime.running() == ["c1", "c2"] and runtime.pods(ready=True) == {"s1": "shop/web"}
    # Filter: state, in a message of its own: running is 1, ready is 0.
    assert [body for _call, body in server.calls] == [b"\x0a\x04\x12\x02\x08\x01", b"\x0a\x04\x12\x02\x08\x00"]


@pytest.mark.parametrize(("code", "killed"), [(0, False), (143, False), (137, True)])
def test_a_container_is_stopped_in_its_time(path: Path, code: int, killed: bool) -> None:
    server = Server(path, [b"", cri.field(1, cri.field(1, b"c1") + cri.number(7, code))])
    assert cri.Runtime(str(path), timeout=5).stop_container("c1", 300) is killed
    assert server.calls[0] == ("/runtime.v1.RuntimeService/StopContainer", b"\x0a\x02c1\x10\xac\x02")
