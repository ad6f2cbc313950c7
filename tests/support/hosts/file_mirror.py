# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror that serves files, also from an offset, and may answer wrongly, stop in the middle, or wait."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Behaviour:
    """How the mirror answers, and what it was asked."""

    directory: Path
    status: int = 200
    ranges: bool = True
    # Of each answer, it sends so many bytes, and then ends or waits until the event is set.
    cut: int | None = None
    wait: threading.Event | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    # Path, offset and user of each request.
    asked: list[tuple[str, int, str]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file."""

    behaviour: Behaviour

    def do_GET(self) -> None:
        """Serve a file, or a part of it."""
        mine = self.behaviour
        offset = int(self.headers.get("Range", "bytes=0-")[6:-1]) if mine.ranges else 0
        mine.asked.append((self.path, offset, self.headers.get("Authorization", "")))
        path = mine.directory / self.path.lstrip("/")
        if mine.status != 200 or not path.is_file():
            self.send_error(mine.status if mine.status != 200 else 404)
            return
        content = path.read_bytes()
        if offset and offset >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if offset else 200)
        self.send_header("Content-Length", str(len(content) - offset))
        self.end_headers()
        part = content[offset:] if mine.cut is None else content[offset : offset + mine.cut]
        self.wfile.write(part)
        self.wfile.flush()
        if mine.wait and len(part) < len(content) - offset:
            mine.stopped.set()
            mine.wait.wait()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def mirror(directory: Path, certificate: Path | None = None) -> Iterator[tuple[str, Behaviour]]:
    """Yield the address and the behaviour of a mirror; with a certificate, a file that has also its key, over TLS."""
    behaviour = Behaviour(directory)
    handler = type("MyHandler", (Handler,), {"behaviour": behaviour})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}", behaviour
        finally:
            server.shutdown()
