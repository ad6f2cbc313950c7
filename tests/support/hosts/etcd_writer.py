# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes to etcd on sandbox hosts all the time."""

from __future__ import annotations

import threading
from collections import Counter

from tests.support.hosts.single_role import Hosts

PKI = "/etc/etcd/pki"
CLIENT = f"--cert {PKI}/healthcheck-client.crt --key {PKI}/healthcheck-client.key"


class Writer(threading.Thread):
    """Writes one key after the other, and remembers which were acknowledged."""

    def __init__(self, hosts: Hosts, addresses: list[str], prefix: str = "key") -> None:
        """Write through these addresses, from the first host."""
        super().__init__(daemon=True)
        self.hosts, self.prefix, self.refused = hosts, prefix, 0
        self.acknowledged: list[int] = []
        # Why writes were refused, without what differs from one to the next.
        self.reasons: Counter[str] = Counter()
        self.ended = threading.Event()
        endpoints = ",".join(f"https://{address}:2379" for address in addresses)
        self.etcdctl = f"etcdctl --endpoints {endpoints} --cacert {PKI}/ca.crt {CLIENT} --command-timeout 5s"

    def run(self) -> None:
        """Write until stopped; a refusal is recorded, and the next key is a retry."""
        number = 0
        while not self.ended.is_set():
            number += 1
            done = self.hosts.exec("n1", f"{self.etcdctl} put {self.prefix}{number} {number}")
            if done.returncode == 0:
                self.acknowledged.append(number)
            else:
                self.refused += 1
                self.reasons[(done.stderr.strip().splitlines() or ["no message"])[-1][-100:]] += 1

    def end(self) -> set[int]:
        """Stop, and return which acknowledged keys are lost."""
        self.ended.set()
        self.join()
        kept = self.hosts.shell("n1", f"{self.etcdctl} get {self.prefix} --prefix --print-value-only").split()
        lost = set(self.acknowledged) - set(map(int, kept))
        counts = f"{len(self.acknowledged)} writes acknowledged, {self.refused} refused, {len(lost)} lost"
        print(counts, dict(self.reasons))
        return lost
