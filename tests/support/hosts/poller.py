# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the API that sends requests, and counts in a ConfigMap, until it is stopped; then it prints the results.

Usage: poller.py URL CA CERT KEY INTERVAL, in the hosts' network; a line on standard input stops it.
It does what common clients do: it keeps its connections, loads new credentials when their files change, and retries
once, immediately and on a new connection, when it got no answer or a request to retry (429, 5xx).
It prints JSON: requests, failures, retried (answered on that retry), outage (the longest time in seconds without
an answer), reasons (of first tries, and of retries "for good", with the time); writes, and lost, which are writes
that were acknowledged and yet missing when the next one came.
"""

from __future__ import annotations

import collections
import http.client
import json
import select
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

COUNTER = "/api/v1/namespaces/default/configmaps/poller"
WRITE_INTERVAL = 0.2
JSON = {"Content-Type": "application/json"}
PATCH = {"Content-Type": "application/merge-patch+json"}


class Client:
    """One persistent connection, and its statistics."""

    def __init__(self, url: str, files: list[str]) -> None:
        """Remember the server, and the files of CA, certificate and key."""
        self.address, self.files = urlsplit(url), files
        self.loaded: tuple[int, ...] = ()
        self.connection: http.client.HTTPSConnection | None = None
        self.reasons: collections.Counter[str] = collections.Counter()
        self.requests = self.failures = self.retried = 0
        self.outage, self.answered = 0.0, time.monotonic()

    def close(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def connect(self) -> http.client.HTTPSConnection:
        """Return the connection; new credentials need a new one, as soon as all three files are there."""
        found = tuple(Path(path).stat().st_mtime_ns for path in self.files)
        if self.connection is None or found != self.loaded:
            context = ssl.create_default_context(cafile=self.files[0])
            # As Go's clients: a trusted CA need not be a root.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_cert_chain(*self.files[1:])
            self.close()
            place = str(self.address.hostname), self.address.port or 443
            self.connection, self.loaded = http.client.HTTPSConnection(*place, context=context, timeout=3), found
        return self.connection

    def once(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, str]:
        """Return status, content and why they are of no use."""
        before = self.connection
        try:
            connection = self.connect()
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            return 0, None, self.closed(type(exc).__name__, before)
        if answer.status in (401, 403, 429) or answer.status >= 500:
            return answer.status, None, self.closed(f"HTTP {answer.status}", before)
        return answer.status, json.loads(text or b"null"), ""

    def closed(self, reason: str, before: http.client.HTTPSConnection | None) -> str:
        """Close the connection, and return why; a kept one may end at any time, a new one should not."""
        kept = self.connection is not None and self.connection is before
        self.close()
        return reason if kept else f"{reason} on a new connection"

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Return status and content after one or two tries."""
        self.requests += 1
        status, content, reason = self.once(method, path, body, headers or {})
        if reason:
            self.reasons[reason] += 1
            if status not in (401, 403):
                status, content, reason = self.once(method, path, body, headers or {})
            if reason:
                self.reasons[f"for good at {time.strftime('%H:%M:%S')}: {reason}"] += 1
                self.failures += 1
                return 0, None
            self.retried += 1
        self.outage, self.answered = max(self.outage, time.monotonic() - self.answered), time.monotonic()
        return status, content


class Writer(threading.Thread):
    """Counts in a ConfigMap. Each write depends on the one before, so that a lost write is noticed."""

    def __init__(self, client: Client) -> None:
        """Start at zero."""
        super().__init__()
        self.client, self.ended = client, threading.Event()
        self.writes = self.lost = 0
        client.ask("DELETE", COUNTER)
        new = {"metadata": {"name": "poller"}, "data": {"count": "0"}}
        self.version = client.ask("POST", COUNTER.rpartition("/")[0], new, JSON)[1]["metadata"]["resourceVersion"]

    def run(self) -> None:
        """Write until stopped."""
        while not self.ended.wait(WRITE_INTERVAL):
            self.write(self.writes + 1)
        status, content = self.client.ask("GET", COUNTER)
        self.lost += status != 200 or content["data"]["count"] != str(self.writes)
        self.client.ask("DELETE", COUNTER)

    def write(self, count: int) -> None:
        """Write a number; where it is unknown whether the write arrived, read it."""
        body = {"metadata": {"resourceVersion": self.version}, "data": {"count": str(count)}}
        status, content = self.client.ask("PATCH", COUNTER, body, PATCH)
        if status == 409:
            status, content = self.client.ask("GET", COUNTER)
            # A first try that was not answered may have arrived all the same.
            self.lost += status == 200 and content["data"]["count"] != str(count)
        if status == 200:
            self.version, self.writes = content["metadata"]["resourceVersion"], int(content["data"]["count"])


def main() -> None:
    """Poll until stopped."""
    url, *files, interval = sys.argv[1:]
    reader, writer = Client(url, files), Writer(Client(url, files))
    writer.start()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], float(interval))[0]:
        reader.ask("GET", "/api/v1/namespaces/kube-system")
    reader.outage = max(reader.outage, time.monotonic() - reader.answered)
    writer.ended.set()
    writer.join()
    both = reader, writer.client
    report = {name: sum(getattr(client, name) for client in both) for name in ("requests", "failures", "retried")}
    outage = round(max(client.outage for client in both), 2)
    reasons = sum((client.reasons for client in both), collections.Counter())
    print(json.dumps({**report, "outage": outage, "reasons": reasons, "writes": writer.writes, "lost": writer.lost}))


if __name__ == "__main__":
    main()
