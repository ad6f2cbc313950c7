# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few calls of the container runtime interface that stop and end pods, over gRPC on a socket.

Only through the runtime itself do the CNI plugins free addresses and host ports.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import BinaryIO, Union

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

SERVICE = "/runtime.v1.RuntimeService/"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE = 4
_LARGE = 1 << 30
_VARINT, _BYTES = 0, 2
# As the interface numbers them.
_READY, _RUNNING = 0, 1
# The exit code of SIGKILL.
_KILLED = 137


class Runtime:
    """A container runtime at a socket."""

    def __init__(self, path: str, timeout: float = 120.0) -> None:
        """Remember the socket; nothing is sent yet."""
        self.path, self.timeout = path, timeout

    def pods(self, *, ready: bool = False) -> dict[str, str]:
        """Return the pod sandboxes by ID, as namespace/name; running or not, or those alone that run."""
        only = field(1, field(2, number(1, _READY))) if ready else b""
        found = {}
        for kind, item in fields(self._call("ListPodSandbox", only)):
            if kind == 1 and isinstance(item, bytes):
                pod = dict(fields(item))
                names = dict(fields(bytes_of(pod.get(2))))
                found[text_of(pod.get(1))] = f"{text_of(names.get(3))}/{text_of(names.get(1))}"
        return found

    def running(self) -> list[str]:
        """Return the IDs of the running containers, without sandboxes."""
        only = field(1, field(2, number(1, _RUNNING)))
        found = (dict(fields(bytes_of(item))) for kind, item in fields(self._call("ListContainers", only)) if kind == 1)
        return sorted(text_of(container.get(1)) for container in found)

    def stop_container(self, container: str, seconds: int) -> bool:
        """Stop a container with the signal of its image; kill it after these seconds; return whether it was."""
        Runtime(self.path, self.timeout + seconds)._call(
            "StopContainer", field(1, container.encode()) + number(2, seconds)
        )
        status = dict(fields(self._call("ContainerStatus", field(1, container.encode()))))
        return dict(fields(bytes_of(status.get(1)))).get(7) == _KILLED

    def stop_pod(self, pod: str) -> None:
        """Stop a pod sandbox with its containers, and free its address."""
        self._call("StopPodSandbox", field(1, pod.encode()))

    def end(self, pod: str) -> None:
        """Stop and remove a pod sandbox with its containers."""
        self.stop_pod(pod)
        self._call("RemovePodSandbox", field(1, pod.encode()))

    def _call(self, method: str, message: bytes) -> bytes:
        """Return the response message of one call."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(self.timeout)
                link.connect(self.path)
                body = struct.pack(">BL", 0, len(message)) + message
                settings = struct.pack(">HL", _INITIAL_WINDOW_SIZE, _LARGE)
                link.sendall(
                    _PREFACE
                    + frame(_SETTINGS, 0, 0, settings)
                    + frame(_WINDOW, 0, 0, struct.pack(">L", _LARGE))
                    + frame(_HEADERS, _END_HEADERS, 1, headers(SERVICE + method))
                    + frame(_DATA, _END_STREAM, 1, body)
                )
                with link.makefile("rb") as stream:
                    answer = self._answer(link, stream)
        except OSError as exc:
            raise HardwayError(f"{self.path}: {method}: {exc.strerror or exc}; see journalctl -u containerd") from exc
        # A refusal has headers alone.
        if len(answer) < 5:
            raise HardwayError(f"{self.path}: {method} was refused; see journalctl -u containerd")
        return answer[5:]

    @staticmethod
    def _answer(link: socket.socket, stream: BinaryIO) -> bytes:
        """Return the data of the stream, once the server has ended it."""
        found = b""
        while True:
            head = stream.read(9)
            if len(head) < 9:
                raise ConnectionResetError("the connection was closed")
            size, kind, flags, number = int.from_bytes(head[:3], "big"), head[3], head[4], head[5:]
            payload = stream.read(size)
            if kind in (_SETTINGS, _PING) and not flags & _ACK:
                link.sendall(frame(kind, _ACK, 0, b"" if kind == _SETTINGS else payload))
            elif kind in (_RESET, _GOAWAY):
                raise ConnectionResetError("the server has ended the call")
            elif kind in (_DATA, _HEADERS) and number == b"\0\0\0\1":
                found += payload if kind == _DATA else b""
                if flags & _END_STREAM:
                    return found


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return an HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">L", stream) + payload


def headers(path: str) -> bytes:
    """Return the headers of a call, as literals without compression."""
    pairs = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        "host": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    found = b""
    for name, value in pairs.items():
        found += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return found


def field(key: int, value: bytes) -> bytes:
    """Return a field of a protobuf message that is a string or a message."""
    return _varint(key << 3 | _BYTES) + _varint(len(value)) + value


def number(key: int, value: int) -> bytes:
    """Return a field of a protobuf message that is a number."""
    return _varint(key << 3 | _VARINT) + _varint(value)


def fields(message: bytes) -> Iterator[tuple[int, Union[int, bytes]]]:
    """Yield number and value of each field of a protobuf message; only numbers and strings are known."""
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        size, position = _read_varint(message, position)
        if key & 7 == _VARINT:
            yield key >> 3, size
        elif key & 7 == _BYTES:
            yield key >> 3, message[position : position + size]
            position += size
        else:
            raise HardwayError(f"container runtime: a field of type {key & 7} in its answer; report this")


def text_of(value: Union[int, bytes, None]) -> str:
    """Return the text of a field, empty without."""
    return bytes_of(value).decode("utf-8", "replace")


def bytes_of(value: Union[int, bytes, None]) -> bytes:
    """Return the bytes of a field, empty without."""
    return value if isinstance(value, bytes) else b""


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[position] & 127) << shift
        shift += 7
        position += 1
        if not message[position - 1] & 128:
            return value, position
