# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lock of a cluster is: a key of etcd, which serves without an API server, and a Lease of the API.

Every run takes the key first, then the Lease. So a run that found no API server, and one that finds it later, exclude
each other, also when the API server stops while the first one holds the Lease.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Optional, Union

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import lock
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.key_value import Key
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError

# Of the hosts of a run that lock at once, each round one succeeds, and the others find its lock.
ATTEMPTS = 3


class Conflict(HardwayError):
    """Another client was quicker."""


class InEtcd:
    """The key."""

    name = "etcd"

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the options of etcd."""
        self.key = Key(lock.KEY, params)

    def read(self) -> tuple[lock.Lease, datetime.datetime]:
        """Return the Lease, and the time: hosts' clocks are synchronized, and etcd has none."""
        return lock.parsed(*self.key.read()), datetime.datetime.now(datetime.timezone.utc)

    def write(self, before: lock.Lease, body: dict[str, Any]) -> None:
        """Write the Lease; raise Conflict if it is no longer the former one."""
        if not self.key.write(lock.text(body), _revision(before)):
            raise Conflict(f"{lock.KEY}: written by another client; run again")

    def remove(self, lease: dict[str, Any]) -> None:
        """Remove the Lease, unless another run has it by now."""
        self.key.delete(_revision(lease))


class InApi:
    """The Lease."""

    name = "api"
    path = f"{lock.PATH}/{lock.NAME}"

    def __init__(self, params: dict[str, Any]) -> None:
        """Take the options of the API."""
        self.api = Api.of(params)

    def read(self) -> tuple[lock.Lease, datetime.datetime]:
        """Return the Lease, and the time of the server."""
        lease = self.api.find(self.path)
        return lease, leases.server_time(self.api.date)

    def write(self, before: lock.Lease, body: dict[str, Any]) -> None:
        """Write the Lease; raise Conflict if it is no longer the former one."""
        try:
            self.api.put(self.path, body) if before else self.api.post(lock.PATH, body)
        except ApiError as exc:
            if exc.status == 409:
                raise Conflict(str(exc)) from exc
            raise

    def remove(self, lease: dict[str, Any]) -> None:
        """Remove the Lease, unless another run has it by now."""
        version = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        try:
            self.api.delete(self.path, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": version})
        except ApiError as exc:
            if exc.status != 409:
                raise


Place = Union[InEtcd, InApi]


class Refused(HardwayError):
    """Another run has the lock."""

    def __init__(self, message: str, holder: str) -> None:
        """Take the message and the name of that run."""
        super().__init__(message)
        self.holder = holder


def acquire(place: Place, params: Mapping[str, Any], check_mode: bool) -> None:
    """Lock the cluster in one place or renew the lock; raise Refused if another run has it."""
    for attempt in range(1, ATTEMPTS + 1):
        lease, now = place.read()
        if reason := lock.refusal(lease, params["holder"], now, params["take_over"]):
            found = lock.holder(lease, now)
            raise Refused(reason, found.name if found else "")
        if check_mode or lock.is_fresh(lease, params["holder"], now):
            return
        try:
            name, operation, duration = params["holder"], params["operation"], params["duration"]
            place.write(lease, lock.taken(lease, name, operation, duration, now, params["step"]))
            return
        except Conflict:
            if attempt == ATTEMPTS:
                raise


def release(place: Place, holder: str, check_mode: bool) -> None:
    """Remove the lock from one place if this run holds it."""
    lease, _now = place.read()
    if lease and (lease.get("spec") or {}).get("holderIdentity") == holder and not check_mode:
        place.remove(lease)


def _revision(lease: Optional[dict[str, Any]]) -> int:
    return int(lease["metadata"]["resourceVersion"]) if lease else 0
