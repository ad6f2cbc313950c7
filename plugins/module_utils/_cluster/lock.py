# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a run may lock the cluster, by a Lease that the Kubernetes API and a key of etcd have. No I/O."""

from __future__ import annotations

import datetime
import json
from typing import Any, NamedTuple, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases

NAME = "hardway"
PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
OPERATION, STEP = "hardway.kubernetes/operation", "hardway.kubernetes/step"
# Outside of what the API servers have in etcd.
KEY = "/hardway/lock"
# Several hosts lock as one run. What one of them wrote so many seconds ago, the others do not write again.
FRESH = 5.0
Lease = Optional[dict[str, Any]]


class Holder(NamedTuple):
    """Who holds the lock: its name, the playbook that it runs, since when, and how many seconds ago it was renewed.

    C(step) is the task that ran at the last renewal, empty if that is not known.
    """

    name: str
    operation: str
    since: str
    renewed: float
    step: str

    def text(self) -> str:
        """Return this as part of a sentence."""
        step = f", at {self.step!r}" if self.step else ""
        return f"{self.name}, which runs {self.operation} since {self.since}{step} (renewed {self.renewed:.0f} s ago)"


def holder(lease: Lease, now: datetime.datetime) -> Optional[Holder]:
    """Return who holds or held the lock; None if it was released or never existed."""
    spec = (lease or {}).get("spec") or {}
    if not lease or not spec.get("holderIdentity"):
        return None
    notes = lease["metadata"].get("annotations") or {}
    operation, step = notes.get(OPERATION) or "an unknown playbook", notes.get(STEP) or ""
    age = leases.age(lease, now)
    return Holder(str(spec["holderIdentity"]), operation, str(spec.get("acquireTime") or "?"), age or 0.0, step)


def refusal(lease: Lease, name: str, now: datetime.datetime, take_over: str = "") -> Optional[str]:
    """Return why the run C(name) may not have the lock; None if it may.

    It may if no other run has it, or if the other one has not renewed it in time or is the one in C(take_over).
    """
    found = holder(lease, now)
    if found is None or found.name in (name, take_over) or not leases.held(lease, now):
        return None
    return (
        f"cluster: locked by {found.text()}; wait until it has ended. If that run is dead, its lock expires within "
        f"{(lease or {})['spec'].get('leaseDurationSeconds', 0)} s; to take it over from a living one: "
        f"-e take_over={found.name}"
    )


def taken(
    lease: Lease, name: str, operation: str, duration: int, now: datetime.datetime, step: str = ""
) -> dict[str, Any]:
    """Return the Lease with which the run C(name) holds the lock, renewed now at the task C(step).

    The resource version of the former one makes the API refuse it if another run was quicker.
    """
    moment = now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    before = (lease or {}).get("spec") or {}
    same = before.get("holderIdentity") == name
    changes = int(before.get("leaseTransitions") or 0)
    notes = {OPERATION: operation, **({STEP: step} if step else {})}
    metadata = {"name": NAME, "namespace": "kube-system", "annotations": notes}
    if lease:
        metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": duration,
            "acquireTime": before["acquireTime"] if same and before.get("acquireTime") else moment,
            "renewTime": moment,
            "leaseTransitions": changes if same or not before else changes + 1,
        },
    }


def is_fresh(lease: Lease, name: str, now: datetime.datetime) -> bool:
    """Return whether another host has locked for the run C(name) just now."""
    found = holder(lease, now)
    return found is not None and found.name == name and abs(found.renewed) < FRESH and leases.held(lease, now)


def text(lease: dict[str, Any]) -> str:
    """Return the Lease as the value of the key."""
    metadata = {name: value for name, value in lease["metadata"].items() if name != "resourceVersion"}
    return json.dumps({**lease, "metadata": metadata}, sort_keys=True)


def parsed(value: str, revision: int) -> Lease:
    """Return the Lease that is the value of the key; None if the key does not exist.

    A value that is no Lease is one that no run holds.
    """
    if not revision:
        return None
    try:
        found = json.loads(value)
        metadata, spec = dict(found["metadata"]), dict(found["spec"])
    except (ValueError, KeyError, TypeError):
        metadata, spec = {}, {}
    return {"metadata": {**metadata, "resourceVersion": str(revision)}, "spec": spec}
