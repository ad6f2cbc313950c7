# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTPS server: requests in, answers out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Optional, Union
from urllib.parse import parse_qsl, unquote, urlsplit

from .tls import Tls, clear_errors, shown

# The answer where there is no content.
DONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


@dataclass
class Request:
    """What a client requested."""

    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes
    peer: list[bytes]
    source: str


@dataclass
class Answer:
    """The answer: text, an object, or lines that are sent as they happen."""

    status: int
    content: Union[str, dict[str, Any], Iterator[dict[str, Any]]]
    headers: dict[str, str] = field(default_factory=dict)


App = Callable[[Request], Answer]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 180
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Do the TLS handshake here, in the connection's own thread."""
        self.peer: list[bytes] = []
        if self.server.tls is not None:
            self.request.settimeout(10)
            self.request = self.server.tls.context().wrap_socket(self.request, server_side=True)
            clear_errors()
            self.peer = shown(self.request)
        super().setup()

    def answer(self) -> None:
        """Answer a request; a server that stops waits for the answer, but for no watch."""
        with self.server.counting():
            lines = self._answer()
        if lines is not None:
            self._send_lines(lines)

    def _answer(self) -> Optional[Iterator[dict[str, Any]]]:
        """Read the request, have it answered, send the answer; return what is still to come of it."""
        begin = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(begin.query, keep_blank_values=True))
        asked = Request(self.command, unquote(begin.path), query, self.headers, body, self.peer, self.client_address[0])
        answer = self.server.app(asked)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(answer.content, (str, dict)):
            self._send_whole(answer.content, answer.headers)
            return None
        return answer.content

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def _send_whole(self, content: Union[str, dict[str, Any]], headers: dict[str, str]) -> None:
        """Send text or an object."""
        text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
        if "Content-Type" not in headers:
            kind = "text/plain; charset=utf-8" if isinstance(content, str) else "application/json"
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def _send_lines(self, lines: Iterator[dict[str, Any]]) -> None:
        """Send one object after the other, each as a chunk."""
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing; the audit log has the requests."""


class Server(ThreadingHTTPServer):
    """Listens and hands every request to the application."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: str, port: int, app: App, tls: Optional[Tls] = None) -> None:
        """Listen; serve() begins to answer."""
        self.app, self.tls = app, tls
        self.busy, self._changed = 0, threading.Condition()
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are."""
        self.allow_reuse_address = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def serve(self) -> Server:
        """Answer in the background."""
        threading.Thread(target=self.serve_forever, args=(0.2,), daemon=True).start()
        return self

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count a request while it is answered."""
        with self._changed:
            self.busy += 1
        try:
            yield
        finally:
            with self._changed:
                self.busy -= 1
                self._changed.notify_all()

    def drain(self, seconds: float) -> None:
        """Take no more connections, and wait for running requests, with a limit."""
        self.shutdown()
        self.server_close()
        with self._changed:
            self._changed.wait_for(lambda: self.busy == 0, seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that go away or fail the handshake; report other errors."""
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ssl.SSLError)):
            log("E", f"panic serving {client_address}: {error!r}")


def health_app(healthy: Callable[[], bool], path: str = "/healthz") -> App:
    """Return an application that serves its health to every client and nothing else."""

    def answer(request: Request) -> Answer:
        if request.path not in (path, "/livez", "/readyz"):
            return Answer(401, status(401, "Unauthorized", "Unauthorized"))
        return Answer(200, "ok") if healthy() else Answer(500, "unhealthy")

    return answer


def status(code: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    """Return the Status object of a refusal."""
    return {**DONE, "status": "Failure", "message": message, "reason": reason, **more, "code": code}


def log(severity: str, message: str) -> None:
    """Write a line as the real programs do."""
    moment = time.strftime("%m%d %H:%M:%S")
    print(f"{severity}{moment}.000000 {os.getpid():7} standin.py:1] {message}", file=sys.stderr, flush=True)


def notify(message: str) -> None:
    """Report the state to systemd, if it wants that."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(message.encode(), "\0" + path[1:] if path.startswith("@") else path)


def stopping() -> threading.Event:
    """Return an event that is set by the stop signal."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
