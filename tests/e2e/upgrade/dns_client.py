# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the cluster DNS on a node port, until its standard input ends; then it prints what it saw as JSON.

Usage: dns_client.py ADDRESS PORT, in the hosts' network. As resolvers do, it repeats a query once.
"""

from __future__ import annotations

import json
import select
import sys

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.dns import DnsError, resolve


def main() -> None:
    """Query every 50 ms."""
    address, port = sys.argv[1], int(sys.argv[2])
    seen = {"requests": 0, "repeated": 0, "failures": 0}
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        seen["requests"] += 1
        for again in ("repeated", "failures"):
            try:
                resolve(address, "kubernetes.default.svc.cluster.local", port=port, timeout=1)
                break
            except DnsError:
                seen[again] += 1
    print(json.dumps(seen))


main()
