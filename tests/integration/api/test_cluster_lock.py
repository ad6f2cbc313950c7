# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a cluster against a real API: one run at a time, from any controller, for as long as the run lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api
from ansible_collections.hardway.kubernetes.plugins.modules import cluster_lock

from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/hardway"
ALICE, BOB = "alice@ctrl1/11-1", "bob@ctrl2/22-2"


@pytest.fixture
def lock(kubernetes: RealKubernetes, run_module: Run) -> Iterator[Run]:
    """Return a function that runs the module as one of two runs."""

    def call(holder: str, **options: Any) -> dict[str, Any]:
        settings = {"operation": "site.yml", "holder": holder, **options}
        return run_module("cluster_lock", **kubernetes.arguments(), **settings)

    yield call
    kubernetes.api().delete(PATH)


def test_a_second_run_is_refused_with_who_and_since_when(kubernetes: RealKubernetes, lock: Run) -> None:
    assert lock(ALICE)["lock"] == "held"
    refused = lock(BOB, operation="renew.yml")
    assert refused["failed"] and refused["holder"] == ALICE
    assert f"locked by {ALICE}, which runs site.yml since 20" in refused["msg"]
    assert f"-e take_over={ALICE}" in refused["msg"]
    lease = kubernetes.api().get(PATH)
    lease["spec"]["renewTime"] = lease["spec"]["renewTime"].replace("20", "19", 1)
    kubernetes.api().put(PATH, lease)
    assert lock(ALICE)["lock"] == "held", "it renews its own"
    spec = kubernetes.api().get(PATH)["spec"]
    assert spec["renewTime"] > lease["spec"]["renewTime"]
    assert (spec["acquireTime"], spec["leaseTransitions"]) == (lease["spec"]["acquireTime"], 0)


def test_a_released_lock_is_free_and_only_its_holder_releases_it(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE)
    assert lock(BOB, state="absent")["lock"] == "released"
    assert kubernetes.api().get(PATH)["spec"]["holderIdentity"] == ALICE
    lock(ALICE, state="absent")
    assert kubernetes.api().find(PATH) is None
    assert lock(BOB)["lock"] == "held"


def test_a_lock_that_was_not_renewed_in_time_is_taken_over(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE, duration=60)
    lease = kubernetes.api().get(PATH)
    lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"
    kubernetes.api().put(PATH, lease)
    assert lock(BOB)["lock"] == "held"
    spec = kubernetes.api().get(PATH)["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == (BOB, 1)
    assert lock(ALICE)["failed"], "the former holder is refused now"


def test_a_living_run_is_taken_over_by_name_only(lock: Run) -> None:
    lock(ALICE)
    assert lock(BOB, take_over="carol@ctrl3/33-3")["failed"]
    assert lock(BOB, take_over=ALICE)["lock"] == "held"


def test_of_many_runs_at_once_one_has_the_lock(lock: Run, kubernetes: RealKubernetes) -> None:
    results: list[dict[str, Any]] = []

    def attempt(number: int) -> None:
        params = {
            **kubernetes.arguments(),
            "holder": f"run@ctrl/{number}-1",
            "operation": "site.yml",
            "etcd": None,
            "step": "",
        }
        results.append(cluster_lock.run({**params, "duration": 60, "take_over": "", "state": "present"}, False))

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.get("lock") for result in results].count("held") == 1, results


def test_a_broken_cluster_is_not_locked_against_its_repair(kubernetes: RealKubernetes, run_module: Run) -> None:
    """Its API refuses the certificate of the administrator, or does not respond."""
    arguments = {"operation": "site.yml", "holder": ALICE}
    stranger = kubernetes.ca.issue("stranger", "stranger")
    pair = {"cert": f"{stranger}.crt", "key": f"{stranger}.key"}
    refused = run_module("cluster_lock", **{**kubernetes.arguments(), **pair}, **arguments)
    assert refused["lock"] == "none" and "403" in refused["reason"], refused
    dead = run_module("cluster_lock", **{**kubernetes.arguments(), "servers": ["https://127.0.0.1:9"]}, **arguments)
    assert dead["lock"] == "none" and "refused" in dead["reason"]


def test_api_servers_without_etcd_do_not_keep_a_repair_away(
    kubernetes: RealKubernetes, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They accept connections, and answer requests that need a quorum of etcd with nothing."""

    def unresponsive(*_given: Any, **_options: Any) -> Any:
        raise HttpError("GET https://192.0.2.1:6443: no response (timeout)")

    monkeypatch.setattr(Api, "find", unresponsive)
    found = run_module("cluster_lock", **kubernetes.arguments(), holder=ALICE)
    assert found["lock"] == "none" and "no response" in found["reason"] and not found.get("failed")


def test_check_mode_locks_nothing(kubernetes: RealKubernetes, run_module: Run) -> None:
    run_module("cluster_lock", check=True, **kubernetes.arguments(), holder=ALICE, operation="site.yml")
    assert kubernetes.api().find(PATH) is None
