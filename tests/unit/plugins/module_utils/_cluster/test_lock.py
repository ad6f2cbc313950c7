# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run may lock the cluster."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import lock

NOW = datetime.datetime(2026, 11, 29, 7, 30, 0, tzinfo=datetime.timezone.utc)
ALICE, BOB = "alice@ctrl1/11-1", "bob@ctrl2/22-2"


def lease(holder: str = ALICE, age: int = 10, **spec: Any) -> dict[str, Any]:
    """Return a Lease that was renewed so many seconds ago."""
    renewed = (NOW - datetime.timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    given = {"holderIdentity": holder, "leaseDurationSeconds": 60, "acquireTime": "2026-11-29T07:00:00.000000Z"}
    annotations = {"hardway.kubernetes/operation": "rotate_ca.yml"}
    return {
        "metadata": {"resourceVersion": "7", "annotations": annotations},
        "spec": {**given, "renewTime": renewed, "leaseTransitions": 3, **spec},
    }


@pytest.mark.parametrize(
    "found", [None, lease(BOB), lease(age=61), lease(""), {"metadata": {"resourceVersion": "1"}, "spec": {}}]
)
def test_a_free_own_or_expired_lock_is_granted(found: Any) -> None:
    assert lock.refusal(found, BOB, NOW) is None


def test_a_held_lock_is_refused_with_who_what_since_when_and_the_way_out() -> None:
    refused = lock.refusal(lease(), BOB, NOW)
    assert refused == (
        "cluster: locked by alice@ctrl1/11-1, which runs rotate_ca.yml since 2026-11-29T07:00:00.000000Z (renewed 10 s "
        "ago); wait until it has ended. If that run is dead, its lock expires within 60 s; to take it over from a "
        "living one: -e take_over=alice@ctrl1/11-1"
    )
    assert lock.refusal(lease(), BOB, NOW, take_over=ALICE) is None
    assert lock.refusal(lease(), BOB, NOW, take_over="carol@ctrl3/33-3")


def test_a_renewal_keeps_the_time_of_the_start_and_a_new_holder_is_a_transition() -> None:
    renewed = lock.taken(lease(), ALICE, "rotate_ca.yml", 60, NOW)
    assert renewed["metadata"]["resourceVersion"] == "7"
    assert renewed["spec"]["acquireTime"] == "2026-11-29T07:00:00.000000Z"
    assert (renewed["spec"]["renewTime"], renewed["spec"]["leaseTransitions"]) == ("2026-11-29T07:30:00.000000Z", 3)
    found = lock.holder(lock.taken(lease(), ALICE, "rotate_ca.yml", 60, NOW, "etcd : Run etcd"), NOW)
    assert found and found.text().endswith("since 2026-11-29T07:00:00.000000Z, at 'etcd : Run etcd' (renewed 0 s ago)")
    other = lock.taken(lease(age=61), BOB, "site.yml", 60, NOW)["spec"]
    assert (other["acquireTime"], other["leaseTransitions"]) == ("2026-11-29T07:30:00.000000Z", 4)
    assert lock.taken(None, BOB, "site.yml", 60, NOW)["spec"]["leaseTransitions"] == 0


def test_the_key_of_etcd_has_the_lease_and_its_own_revision() -> None:
    value = lock.text(lease())
    assert "resourceVersion" not in value
    found = lock.parsed(value, 12)
    assert found and found["metadata"]["resourceVersion"] == "12"
    assert lock.holder(found, NOW) == lock.holder(lease(), NOW)
    assert lock.parsed("", 0) is None


@pytest.mark.parametrize("value", ["", "{", "[]", "{}", '{"metadata": {}}', '{"metadata": {}, "spec": "x"}'])
def test_a_damaged_value_is_a_free_lock_with_a_revision_to_replace(value: str) -> None:
    found = lock.parsed(value, 12)
    assert found == {"metadata": {"resourceVersion": "12"}, "spec": {}}
    assert lock.refusal(found, BOB, NOW) is None
    assert lock.taken(found, BOB, "site.yml", 60, NOW)["metadata"]["resourceVersion"] == "12"


@pytest.mark.parametrize(
    ("found", "fresh"),
    [(lease(age=1), True), (lease(age=-1), True), (lease(age=19), False), (lease(BOB, age=1), False), (None, False)],
)
def test_what_another_host_of_the_run_has_just_written_is_not_written_again(found: Any, fresh: bool) -> None:
    """A renewal, every 20 s, is written."""
    assert lock.is_fresh(found, ALICE, NOW) is fresh
