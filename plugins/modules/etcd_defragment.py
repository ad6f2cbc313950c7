#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_defragment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_defragment
short_description: Defragment the members of etcd
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Defragments one member after the other, the leader last, if enough of its database file is free. A member does not
    answer meanwhile. Before and after each one, all members must be healthy and a write must succeed.
  - If the alarm NOSPACE is raised, etcd accepts no write. Then old revisions are compacted, all members are
    defragmented, the alarm is disarmed, and a write must succeed. Fails if the database is still as large as its quota.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the sizes of the database files.
options:
  endpoints:
    description: Client URLs of all members, for example V(https://192.0.2.11:2379).
    type: list
    elements: str
    required: true
  threshold:
    description: Percentage of the database file that must be free. V(0) defragments every member with free space.
    type: float
    default: 40
  timeout:
    description: Seconds that a member may take, for its defragmentation and until it is healthy.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Defragment etcd
  hardway.kubernetes.etcd_defragment:
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/healthcheck-client.crt
    key: /etc/etcd/pki/healthcheck-client.key
"""

RETURN = r"""
members:
  description: All members, in the order in which they are defragmented.
  returned: always
  type: list
  elements: dict
  contains:
    endpoint:
      description: The endpoint.
      type: str
      sample: https://192.0.2.11:2379
    free:
      description: Percentage of the database file that was free.
      type: float
      sample: 62.5
    before:
      description: Size of the database file in bytes.
      type: int
      sample: 83886080
    after:
      description: Its size now.
      type: int
      sample: 31457280
    defragmented:
      description: Whether the member was defragmented (or would be).
      type: bool
      sample: true
compacted:
  description: Revision to which old revisions were compacted, because the alarm NOSPACE was raised. 0 without one.
  returned: always
  type: int
  sample: 0
disarmed:
  description: Whether the alarm NOSPACE was disarmed.
  returned: always
  type: bool
  sample: false
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import defragmentation
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.cluster import Cluster
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.members import ALARMS

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "threshold": {"type": "float", "default": 40},
    "timeout": {"type": "int", "default": 300},
}
Answer = Mapping[str, Any]


class Defragmentation:
    """One pass over all members."""

    def __init__(self, params: dict[str, Any], check: bool) -> None:
        """Take the parameters."""
        self.params, self.check, self.timeout = params, check, params["timeout"]

    def run(self) -> dict[str, Any]:
        """Return the result."""
        alarms = self.alarms()
        if others := sorted(alarms - {"NOSPACE"}):
            raise HardwayError(f"etcd: alarm {', '.join(others)}; replace the member with a damaged database first")
        full = bool(alarms)
        before = self.healthy(write=not full)
        revision = max(answer["revision"] for answer in before) if full else 0
        if full and not self.check:
            self.compact(revision)
            # Only now does the space of old revisions count as free.
            before = self.healthy(write=False)
        chosen = defragmentation.worthwhile(before, self.params["threshold"], full)
        after = {answer["endpoint"]: int(answer["db_size"]) for answer in before}
        for answer in chosen if not self.check else []:
            after[answer["endpoint"]] = self.defragment(answer["endpoint"], write=not full)
        if full and not self.check:
            self.disarm()
        return {
            "changed": bool(chosen) or full,
            "members": [described(answer, answer in chosen, after) for answer in defragmentation.order(before)],
            "compacted": revision,
            "disarmed": full,
            "diff": {
                "before": sizes({answer["endpoint"]: answer["db_size"] for answer in before}),
                "after": sizes(after),
            },
        }

    def etcdctl(self, endpoint: str = "") -> Etcdctl:
        """Return an etcdctl for one endpoint or all."""
        return Etcdctl({**self.params, "endpoints": [endpoint]} if endpoint else self.params)

    def alarms(self) -> set[str]:
        """Return the names of the raised alarms."""
        raised = self.etcdctl().json("alarm", "list").get("alarms") or []
        return {str(ALARMS.get(alarm.get("alarm"), alarm.get("alarm"))) for alarm in raised}

    def healthy(self, write: bool) -> list[Answer]:
        """Return the answers of all members once all are healthy; without write, once they know a leader."""
        cluster = Cluster({**self.params, "timeout": 0 if self.check else self.timeout})

        def sick() -> list[str]:
            members = cluster.inspect()
            return [
                f"{answer['endpoint'] or answer['name']}: {answer['error'] or 'unresponsive'}"
                for answer in members
                if not (answer["healthy"] if write else answer["version"] and answer["leader"] not in ("", "0"))
            ]

        fine, left = wait_until(sick, lambda found: not found, timeout=0 if self.check else self.timeout)
        if not fine:
            raise HardwayError(
                f"etcd: not defragmented: {'; '.join(left)}; fix that first, as each member blocks for a time"
            )
        if write and not self.check:
            cluster.prove()
        return list(cluster.answers)

    def compact(self, revision: int) -> None:
        """Compact old revisions, on disk. A repeated run may find that done."""
        try:
            self.etcdctl().run(
                ["compact", str(revision), "--physical", f"--command-timeout={self.timeout}s"], limit=self.timeout + 10
            )
        except HardwayError as exc:
            if "required revision has been compacted" not in str(exc):
                raise

    def defragment(self, endpoint: str, write: bool) -> int:
        """Defragment one member and wait until all are healthy; return the size of its file."""
        self.etcdctl(endpoint).run(["defrag", f"--command-timeout={self.timeout}s"], limit=self.timeout + 10)
        return next(int(answer["db_size"]) for answer in self.healthy(write) if answer["endpoint"] == endpoint)

    def disarm(self) -> None:
        """Disarm the alarm; raise if it comes back with the write."""
        self.etcdctl().run(["alarm", "disarm"])
        try:
            self.healthy(write=True)
        except HardwayError as exc:
            if "NOSPACE" not in str(exc) and "space exceeded" not in str(exc):
                raise
            raise HardwayError(
                "etcd: the alarm NOSPACE was raised again, as the database is as large as its quota; "
                "raise quota-backend-bytes, or delete keys"
            ) from exc


def described(answer: Answer, chosen: bool, after: Mapping[str, int]) -> dict[str, Any]:
    """Return one member for the result."""
    return {
        "endpoint": answer["endpoint"],
        "free": round(defragmentation.free_share(answer), 1),
        "before": int(answer["db_size"]),
        "after": after[answer["endpoint"]],
        "defragmented": chosen,
    }


def sizes(found: Mapping[str, Any]) -> str:
    """Return one line a member for the diff."""
    return "".join(f"{endpoint} {size} bytes\n" for endpoint, size in sorted(found.items()))


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    return Defragmentation(params, check).run()


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
