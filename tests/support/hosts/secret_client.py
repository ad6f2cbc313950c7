# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes Secrets through any of several API servers and reads them through each, until it is stopped.

Usage: python -m tests.support.hosts.secret_client CA CERT KEY URL..., in the hosts' network; a line on standard input
stops it. As behind a load balancer, a server that refuses connections or says that it stops is left for another one,
and is used again later. It prints JSON: writes, reads, failures (answers other than the object, and writes that no
server took), and lost: objects that in the end are not what was written.
"""

from __future__ import annotations

import base64
import json
import random
import select
import sys
import threading
import time
from typing import Any

from tests.support.hosts.poller import JSON, PATCH, Client

SECRETS = "/api/v1/namespaces/default/secrets"
INTERVAL, PATIENCE = 0.05, 30.0
# A server that starts or stops, or has stopped.
AWAY = {0, 403, 429, 503}


def encoded(text: str) -> dict[str, str]:
    """Return the content of a Secret."""
    return {"value": base64.b64encode(text.encode()).decode()}


class Load:
    """What was written, and what went wrong."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.ended = threading.Event()
        self.written: dict[str, dict[str, str]] = {}
        self.failures: list[str] = []
        self.writes = self.reads = 0

    def write(self, clients: list[Client]) -> None:
        """Create a Secret, change another one, until stopped."""
        number = 0
        while not self.ended.wait(INTERVAL):
            number += 1
            name = f"load-{number % 200}"
            body = {"metadata": {"name": name}, "data": encoded(f"{number}")}
            # Unknown while it is written.
            new = self.written.pop(name, None) is None
            method, path, kind = ("POST", SECRETS, JSON) if new else ("PATCH", f"{SECRETS}/{name}", PATCH)
            if self.anywhere(clients, number, method, path, body, kind):
                self.written[name] = body["data"]
                self.writes += 1

    def anywhere(self, clients: list[Client], number: int, method: str, path: str, body: Any, kind: Any) -> bool:
        """Send a request to one server after the other; return whether one has taken it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            number += 1
            status, _content, reason = clients[number % len(clients)].once(method, path, body, kind)
            # The answer to an earlier try was lost.
            if status in (200, 201, 409):
                return True
            if status not in AWAY:
                self.failures.append(f"{method} {path}: {status} {reason}")
                return False
            time.sleep(INTERVAL)
        self.failures.append(f"{method} {path}: no server")
        return False

    def read(self, client: Client) -> None:
        """Read Secrets, one by one and all of them, through one server until stopped."""
        chance = random.Random(1)
        while not self.ended.wait(INTERVAL):
            known = list(self.written)
            path = f"{SECRETS}/{chance.choice(known)}" if known and chance.random() < 0.9 else SECRETS
            status, content, reason = client.once("GET", path, None, {})
            if status == 200 and content["kind"] in ("Secret", "SecretList"):
                self.reads += 1
            elif status not in AWAY:
                self.failures.append(f"GET {client.address.netloc}{path}: {status} {reason}")

    def lost(self, clients: list[Client]) -> list[str]:
        """Return the Secrets that one of the servers does not return as they were written."""
        found = []
        for client in clients:
            for name, data in self.written.items():
                status, content, _reason = client.once("GET", f"{SECRETS}/{name}", None, {})
                if status != 200 or content["data"] != data:
                    found.append(f"{client.address.netloc} {name}: {status}")
        return found


def main() -> None:
    """Write and read until stopped."""
    files, urls = sys.argv[1:4], sys.argv[4:]
    load = Load()
    work = [threading.Thread(target=load.write, args=([Client(url, files) for url in urls],))]
    work += [threading.Thread(target=load.read, args=(Client(url, files),)) for url in urls]
    for thread in work:
        thread.start()
    print("ready", flush=True)
    select.select([sys.stdin], [], [])
    load.ended.set()
    for thread in work:
        thread.join()
    lost = load.lost([Client(url, files) for url in urls])
    print(json.dumps({"writes": load.writes, "reads": load.reads, "failures": load.failures, "lost": lost}))


if __name__ == "__main__":
    main()
