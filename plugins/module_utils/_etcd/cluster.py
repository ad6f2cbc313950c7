# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running etcd cluster that is changed: its members by their own answers, commands to healthy voters only."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Callable, TypeVar

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import Etcdctl
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import Etcd
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.membership import Member, joined
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls

PROOF = "/hardway/proof-of-quorum"
# etcd refuses to change its membership until its members have been connected for five seconds. The rest is what a
# change of the leader looks like to a client.
NONE_HEALTHY = "no voter is healthy"
TRANSIENT = (
    NONE_HEALTHY,
    "unhealthy cluster",
    "re-configuration failed due to not enough started members",
    "leader changed",
    "no leader",
    "not leader",
    "request timed out",
    "context deadline exceeded",
    "connection refused",
    "error reading from server",
)
T = TypeVar("T")


class Refused(HardwayError):
    """A change is not safe; waiting does not help."""


class Cluster:
    """The cluster that the endpoints belong to."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take a module's parameters: those of Etcdctl, and timeout."""
        self.params = params
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.deadline = time.monotonic() + float(params["timeout"])
        # What each endpoint answered at the last read.
        self.answers: list[dict[str, Any]] = []

    def inspect(self) -> list[dict[str, Any]]:
        """Return what each endpoint answers."""
        self.answers = Etcd(self.params["endpoints"], self.tls).state()["members"]
        return self.answers

    def read(self) -> list[Member]:
        """Return all members; those that no given endpoint stands for are queried at their client URLs."""
        self.inspect()
        listed = self.etcdctl().json("member", "list")["members"]
        known = {answer["id"] for answer in self.answers if answer["endpoint"]}
        others = [member["clientURLs"][0] for member in unanswered(listed, known)]
        if others:
            self.answers += Etcd(others, self.tls).state()["members"]
        return joined(listed, [answer for answer in self.answers if answer["endpoint"]])

    def healthy_voters(self, without: str = "") -> list[str]:
        """Return the endpoints of healthy voters; learners accept no commands."""
        return [
            answer["endpoint"]
            for answer in self.answers
            if answer["healthy"] and answer["endpoint"] and not answer["learner"] and answer["id"] != without
        ]

    def leader(self) -> str:
        """Return the ID of the leader, as the members that know it reported it; empty if none did."""
        found = [answer["leader"] for answer in self.answers if answer["leader"] not in ("", "0", "?")]
        return str(found[0]) if found else ""

    def etcdctl(self, endpoints: Sequence[str] = ()) -> Etcdctl:
        """Return an etcdctl for these endpoints, for all healthy voters if there are none."""
        found = endpoints or self.healthy_voters()
        if not found:
            raise HardwayError(f"etcd: {NONE_HEALTHY}: " + "; ".join(self._errors()) + "; start etcd there")
        return Etcdctl({**self.params, "endpoints": found})

    def prove(self) -> None:
        """Write, which needs a quorum; raise if that is not possible."""

        def write() -> None:
            etcd = self.etcdctl()
            etcd.run(["put", PROOF, "written"])
            etcd.run(["del", PROOF])

        self.retried(write)

    def retried(self, work: Callable[[], T]) -> T:
        """Return what work returns; retry while etcd refuses for a reason that passes."""
        while True:
            try:
                return work()
            except Refused:
                raise
            except HardwayError as exc:
                if time.monotonic() >= self.deadline or not any(reason in str(exc) for reason in TRANSIENT):
                    raise
                time.sleep(0.5)
                with suppress(HardwayError):
                    # Others may be healthy by now.
                    self.read()

    def _errors(self) -> list[str]:
        return [f"{answer['endpoint']}: {answer['error'] or 'a learner'}" for answer in self.answers]


def unanswered(listed: Sequence[Mapping[str, Any]], known: set[str]) -> list[Mapping[str, Any]]:
    """Return the members with client URLs that have not answered yet."""
    return [m for m in listed if m.get("clientURLs") and f"{int(m['ID']):x}" not in known]
