#!/usr/bin/python3
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers with the configuration it started with, which shows what a process runs from."""

from __future__ import annotations

import http.server
import subprocess
import sys
import time
from pathlib import Path

CONFIG = Path("/etc/web.conf").read_text()
if "broken" in CONFIG:
    sys.exit("cannot start with this configuration, password=hunter2")
time.sleep(1)
if Path("/etc/web.lost").exists():
    subprocess.run(["ip", "link", "set", "eth0", "down"], check=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """Healthy unless /etc/web.sick is there."""

    def do_GET(self) -> None:
        """Answer with the configuration."""
        self.send_response(503 if Path("/etc/web.sick").exists() else 200)
        self.end_headers()
        self.wfile.write(CONFIG.encode())

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
