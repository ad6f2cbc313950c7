# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTPS server that answers with its name. /ready answers 500 while the file "stopping" is there.

Usage: server.py NAME, with server.crt and server.key beside it.
"""

from __future__ import annotations

import http.server
import ssl
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every path with the name, except /ready."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the name."""
        stopping = self.path == "/ready" and (HERE / "stopping").exists()
        body = f"{sys.argv[1]}\n".encode()
        self.send_response(500 if stopping else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until stopped."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "server.crt", HERE / "server.key")
    server = http.server.ThreadingHTTPServer(("", 443), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
