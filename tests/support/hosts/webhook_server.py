# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authorization webhook for sandbox hosts: allows reading pods, and prints each question."""

from __future__ import annotations

import http.server
import json
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers SubjectAccessReviews."""

    def do_POST(self) -> None:
        """Answer one."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = review["spec"].get("resourceAttributes", {})
        review["status"] = {"allowed": wanted.get("resource") == "pods" and wanted.get("verb") in ("get", "list")}
        print(review["spec"]["user"], wanted.get("resource"), flush=True)
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing else."""


if __name__ == "__main__":
    address, certificate, ca = sys.argv[1:]
    with http.server.ThreadingHTTPServer((address, 8443), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certificate}.crt", f"{certificate}.key")
        # Only API servers, by the kubeconfig that they have for it.
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print("ready", flush=True)
        server.serve_forever()
