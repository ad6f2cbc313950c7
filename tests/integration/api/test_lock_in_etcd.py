# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a cluster in a real etcd: it serves without an API server, and with the Lease it is one lock."""

from __future__ import annotations

import datetime
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import lock as decisions
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.lock_places import InApi, InEtcd
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.modules import cluster_lock

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import RealEtcd, binary, need_programs

Run = Callable[..., dict[str, Any]]
ALICE, BOB = "alice@ctrl1/11-1", "bob@ctrl2/22-2"
NO_API: dict[str, Any] = {"servers": ["https://127.0.0.1:9"]}


def options_of(etcd: RealEtcd) -> dict[str, Any]:
    """Return the options with which a run reaches etcd."""
    return {**etcd.arguments(), "etcdctl": str(binary("etcdctl"))}


@pytest.fixture
def lock(kubernetes: RealKubernetes, run_module: Run) -> Iterator[Run]:
    """Return a function that runs the module as one of two runs."""
    need_programs("etcdctl")

    def call(holder: str, **options: Any) -> dict[str, Any]:
        settings = {"operation": "site.yml", "holder": holder, "etcd": options_of(kubernetes.etcd), **options}
        return run_module("cluster_lock", **{**kubernetes.arguments(), **settings})

    yield call
    for place in (in_etcd(kubernetes), InApi(kubernetes.arguments())):
        if lease := place.read()[0]:
            place.remove(lease)


def in_etcd(kubernetes: RealKubernetes) -> InEtcd:
    """Return the key in the etcd of the API."""
    return InEtcd(options_of(kubernetes.etcd))


def age(kubernetes: RealKubernetes, seconds: int) -> None:
    """Let the key have been renewed so long ago."""
    lease, now = in_etcd(kubernetes).read()
    assert lease
    before = now - datetime.timedelta(seconds=seconds)
    lease["spec"]["renewTime"] = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    in_etcd(kubernetes).write(lease, lease)


def test_a_run_locks_in_etcd_and_in_the_api(kubernetes: RealKubernetes, lock: Run) -> None:
    found = lock(ALICE)
    assert (found["lock"], found["places"]) == ("held", ["etcd", "api"]) and "reason" not in found
    assert kubernetes.etcd.client and lock(ALICE, state="absent")["lock"] == "released"
    assert in_etcd(kubernetes).read()[0] is None and InApi(kubernetes.arguments()).read()[0] is None


def test_without_an_api_server_the_key_refuses_with_who_what_and_since_when(lock: Run) -> None:
    held = lock(ALICE, **NO_API)
    assert (held["lock"], held["places"]) == ("held", ["etcd"]) and "no server is ready" in held["reason"]
    refused = lock(BOB, operation="renew.yml", **NO_API)
    assert refused["failed"] and refused["holder"] == ALICE
    assert f"locked by {ALICE}, which runs site.yml since 20" in refused["msg"]
    assert f"-e take_over={ALICE}" in refused["msg"]


def test_a_run_that_sees_the_api_is_refused_by_one_that_does_not(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE, **NO_API)
    assert lock(BOB)["holder"] == ALICE
    assert InApi(kubernetes.arguments()).read()[0] is None
    assert lock(ALICE)["places"] == ["etcd", "api"], "the renewal takes the Lease, too, once the API is back"


def test_a_run_that_holds_both_refuses_one_that_does_not_see_the_api(lock: Run) -> None:
    """As while the only API server restarts."""
    lock(ALICE)
    assert lock(BOB, **NO_API)["holder"] == ALICE


def test_a_lease_that_another_run_has_refuses_and_leaves_the_key_free(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE, etcd=None)
    assert lock(BOB)["holder"] == ALICE
    assert in_etcd(kubernetes).read()[0] is None
    assert lock(BOB, take_over=ALICE)["places"] == ["etcd", "api"]
    assert lock(ALICE, etcd=None)["holder"] == BOB


def test_a_key_that_was_not_renewed_in_time_is_taken_over(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE, **NO_API)
    age(kubernetes, 59)
    assert lock(BOB, **NO_API)["holder"] == ALICE
    age(kubernetes, 61)
    assert lock(BOB, **NO_API)["lock"] == "held"
    assert lock(ALICE, **NO_API)["holder"] == BOB, "the former holder is refused now"


def test_a_living_run_is_taken_over_by_name_only(lock: Run) -> None:
    lock(ALICE, **NO_API)
    assert lock(BOB, take_over="carol@ctrl3/33-3", **NO_API)["failed"]
    assert lock(BOB, take_over=ALICE, **NO_API)["lock"] == "held"


def test_only_its_holder_releases_the_key(kubernetes: RealKubernetes, lock: Run) -> None:
    lock(ALICE)
    lock(BOB, state="absent")
    lease = in_etcd(kubernetes).read()[0]
    assert lease and lease["spec"]["holderIdentity"] == ALICE
    unreleased = lock(ALICE, state="absent", **NO_API)
    assert unreleased["lock"] == "none" and in_etcd(kubernetes).read()[0] is None, unreleased


@pytest.mark.parametrize("same", [True, False])
def test_of_many_runs_at_once_one_has_the_key_and_of_one_run_all_hosts(
    kubernetes: RealKubernetes, lock: Run, same: bool
) -> None:
    results: list[dict[str, Any]] = []

    def attempt(number: int) -> None:
        params = {**kubernetes.arguments(), "etcd": options_of(kubernetes.etcd), "operation": "site.yml"}
        params |= {"holder": ALICE if same else f"run@ctrl/{number}-1", "duration": 60, "take_over": "", "step": ""}
        results.append(cluster_lock.run({**params, **NO_API, "state": "present"}, False))

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result["lock"] for result in results].count("held") == (8 if same else 1), results


def test_a_damaged_value_holds_nothing(kubernetes: RealKubernetes, lock: Run) -> None:
    assert in_etcd(kubernetes).key.write("{", 0)
    assert lock(ALICE, **NO_API)["lock"] == "held"


def test_check_mode_locks_nothing(kubernetes: RealKubernetes, lock: Run, run_module: Run) -> None:
    settings = {"etcd": options_of(kubernetes.etcd), "holder": ALICE, "operation": "site.yml"}
    run_module("cluster_lock", check=True, **kubernetes.arguments(), **settings)
    assert in_etcd(kubernetes).read()[0] is None


def test_without_a_quorum_only_the_controller_locks(etcd: RealEtcd, run_module: Run) -> None:
    """Another member serves where one is down."""
    arguments = {**NO_API, "ca": str(etcd.ca.ca), "cert": f"{etcd.client}.crt", "key": f"{etcd.client}.key"}
    arguments |= {"holder": ALICE, "operation": "restore.yml", "etcd": options_of(etcd)}
    etcd.programs.wait_until("m1", lambda: run_module("cluster_lock", **arguments)["lock"] == "held")
    try:
        etcd.programs.stop("m1")
        etcd.programs.wait_until("m2", lambda: run_module("cluster_lock", **arguments)["places"] == ["etcd"])
        etcd.programs.stop("m2")
        found = run_module("cluster_lock", **arguments)
        assert found["lock"] == "none" and "no member answers" in found["reason"] and not found.get("failed"), found
    finally:
        for name in ("m1", "m2"):
            etcd.start(name)
    etcd.programs.wait_until("m1", lambda: run_module("cluster_lock", **arguments)["lock"] == "held")
    run_module("cluster_lock", **arguments, state="absent")


def test_a_full_etcd_is_not_locked_against_its_repair(tmp_path: Path, run_module: Run) -> None:
    need_programs("etcd", "etcdctl")
    etcd = RealEtcd(tmp_path, size=1)
    etcd.start("m1", "--quota-backend-bytes=1000000")
    options = options_of(etcd)
    arguments = {**NO_API, "ca": options["ca"], "cert": options["cert"], "key": options["key"], "etcd": options}
    arguments |= {"holder": ALICE, "operation": "defragment.yml"}
    try:
        etcd.programs.wait_until("m1", lambda: run_module("cluster_lock", **arguments)["lock"] == "held")
        run_module("cluster_lock", **arguments, state="absent")
        key = InEtcd(options).key
        key.name = "/big"
        with pytest.raises(HardwayError, match="space exceeded"):
            while key.write("x" * 300_000, key.read().revision):
                pass
        found = run_module("cluster_lock", **arguments)
    finally:
        etcd.programs.stop_all()
    assert found["lock"] == "none" and "space exceeded" in found["reason"] and not found.get("failed"), found


def test_where_etcd_authenticates_its_users_etcdctl_locks(tmp_path: Path, run_module: Run) -> None:
    need_programs("etcd", "etcdctl")
    etcd = RealEtcd(tmp_path, size=1)
    root = etcd.ca.issue("root", "root")
    options = {**options_of(etcd), "cert": f"{root}.crt", "key": f"{root}.key"}
    etcd.start("m1")
    arguments = {**NO_API, "ca": options["ca"], "cert": options["cert"], "key": options["key"], "operation": "site.yml"}
    flags = [f"--endpoints={etcd.endpoints[0]}", f"--cacert={options['ca']}", f"--cert={root}.crt", f"--key={root}.key"]
    try:
        etcd.programs.wait_until(
            "m1", lambda: run_module("cluster_lock", **arguments, holder=BOB, etcd=options)["lock"] == "held"
        )
        for command in ("user add root --no-password", "user grant-role root root", "auth enable"):
            subprocess.run([options["etcdctl"], *flags, *command.split()], check=True, capture_output=True)
        assert run_module("cluster_lock", **arguments, holder=ALICE, etcd=options)["holder"] == BOB
        run_module("cluster_lock", **arguments, holder=BOB, etcd=options, state="absent")
        assert run_module("cluster_lock", **arguments, holder=ALICE, etcd=options)["lock"] == "held"
        lease = InEtcd(options).read()[0]
        assert lease and lease["spec"]["holderIdentity"] == ALICE
        assert lease["metadata"]["annotations"][decisions.OPERATION] == "site.yml"
        without = run_module("cluster_lock", **arguments, holder=BOB, etcd={**options, "etcdctl": "/absent"})
        assert without["lock"] == "none" and "run this on a host with /absent" in without["reason"], without
    finally:
        etcd.programs.stop_all()
