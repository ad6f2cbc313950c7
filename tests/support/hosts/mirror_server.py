# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror for sandbox hosts: serves a directory at an address, and prints when each answer begins and ends."""

from __future__ import annotations

import functools
import http.server
import sys
import threading

PRINTING = threading.Lock()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files."""

    def do_GET(self) -> None:
        """Serve one file."""
        self.report("begin")
        super().do_GET()
        self.report("end")

    def report(self, what: str) -> None:
        """Print what happens, with the client and the path."""
        with PRINTING:
            print(what, self.client_address[0], self.path, flush=True)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing else."""


if __name__ == "__main__":
    handler = functools.partial(Handler, directory=sys.argv[2])
    with http.server.ThreadingHTTPServer((sys.argv[1], 8000), handler) as server:
        print("ready", flush=True)
        server.serve_forever()
