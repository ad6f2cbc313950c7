# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the API that keeps asking until it is told to stop, and then says how it fared.

Usage: poller.py URL CA CERT KEY INTERVAL, all of it in the hosts' network; a line on standard input ends it.
It prints JSON: requests, failures, retried (failed once, answered on an immediate second try), outage (the longest
time in seconds without an answer), reasons.
"""

from __future__ import annotations

import collections
import http.client
import json
import select
import ssl
import sys
import time
from urllib.parse import urlsplit


def ask(host: str, port: int, context: ssl.SSLContext) -> str:
    """Make one request on a connection of its own; return an empty string, or why it failed."""
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=3)
    try:
        connection.request("GET", "/api/v1/namespaces/kube-system")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        return type(exc).__name__
    finally:
        connection.close()
    return "" if status == 200 else f"HTTP {status}"


def main() -> None:
    """Poll until told to stop."""
    url, authority, certificate, key, interval = sys.argv[1:]
    address = urlsplit(url)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    reasons: collections.Counter[str] = collections.Counter()
    requests = failures = retried = 0
    outage, answered = 0.0, time.monotonic()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], float(interval))[0]:
        requests += 1
        reason = ask(str(address.hostname), address.port or 443, context)
        if reason:
            reasons[reason] += 1
            if ask(str(address.hostname), address.port or 443, context):
                failures += 1
                continue
            retried += 1
        outage, answered = max(outage, time.monotonic() - answered), time.monotonic()
    outage = max(outage, time.monotonic() - answered)
    report = {"requests": requests, "failures": failures, "retried": retried, "outage": round(outage, 2)}
    print(json.dumps({**report, "reasons": dict(reasons)}), flush=True)


if __name__ == "__main__":
    main()
