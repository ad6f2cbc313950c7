# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drill_client against a real API: a leader that is replaced, a write that is lost, an unhealthy cluster."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.played_nodes import wait_for

Run = Callable[..., dict[str, Any]]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
# The controller manager of this API holds its own.
LEADER = "kube-scheduler"
OBJECTS = "/api/v1/namespaces/kube-system/configmaps"
SELECTED = f"{OBJECTS}?labelSelector=hardway%2Fdrill"


@pytest.fixture
def leaders(kubernetes: RealKubernetes) -> Iterator[None]:
    """Stand in for the lease of a scheduler, which this API does not have."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "n1_1", "leaseDurationSeconds": 3600, "renewTime": now}
    kubernetes.api().post(LEASES, {"metadata": {"name": LEADER}, "spec": spec})
    wait_for(lambda: kubernetes.api().find(f"{LEASES}/kube-controller-manager"), "no controller manager leads")
    yield
    kubernetes.api().delete(f"{LEASES}/{LEADER}")


def measured(kubernetes: RealKubernetes, run: Run, directory: Path, outage: Callable[[], object]) -> dict[str, Any]:
    """Return what the client saw, which something happens to once it measures."""
    marker, ended = directory / "marker", threading.Event()

    def happen() -> None:
        while not marker.exists():
            if ended.wait(0.05):
                return
        # So that it has written.
        time.sleep(1)
        outage()

    thread = threading.Thread(target=happen)
    thread.start()
    arguments = kubernetes.arguments()
    result = run(
        "drill_client",
        **arguments,
        endpoint=arguments["servers"][0],
        watch="lease",
        subject=LEADER,
        seconds=3,
        timeout=120,
        marker=str(marker),
    )
    ended.set()
    thread.join()
    assert not marker.exists()
    return result


@pytest.mark.usefixtures("leaders")
def test_a_client_notes_another_leader_and_loses_nothing(
    kubernetes: RealKubernetes, run_module: Run, tmp_path: Path
) -> None:
    def replace_leader() -> None:
        kubernetes.api().patch(f"{LEASES}/{LEADER}", {"spec": {"holderIdentity": "n2_2"}})

    # As of a client whose run was killed.
    stale = {"metadata": {"name": "stale", "labels": {"hardway/drill": ""}}}
    kubernetes.api().post(OBJECTS, stale)
    seen = measured(kubernetes, run_module, tmp_path, replace_leader)
    assert not seen.get("failed"), seen
    assert [change["state"] for change in seen["changes"]] == ["n1_1", "n2_2"]
    client = seen["client"]
    assert (client["failures"], client["lost"], seen["problems"]) == (0, 0, [])
    assert client["requests"] > 20 and client["writes"] > 5 and seen["recovered_at"] > seen["began"]
    assert kubernetes.api().get(SELECTED)["items"] == []


@pytest.mark.usefixtures("leaders")
def test_a_lost_write_is_noticed(kubernetes: RealKubernetes, run_module: Run, tmp_path: Path) -> None:
    def lose() -> None:
        (item,) = kubernetes.api().get(SELECTED)["items"]
        kubernetes.api().patch(f"{OBJECTS}/{item['metadata']['name']}", {"data": {"count": "0"}})

    assert measured(kubernetes, run_module, tmp_path, lose)["client"]["lost"] >= 1


def test_an_unhealthy_cluster_is_not_measured(kubernetes: RealKubernetes, run_module: Run, tmp_path: Path) -> None:
    seen = measured(kubernetes, run_module, tmp_path, lambda: None)
    assert "cluster: not healthy before the drill: " in seen["msg"] and "kube-scheduler: no leader; " in seen["msg"]
    assert kubernetes.api().get(SELECTED)["items"] == []


def test_check_mode_measures_nothing(kubernetes: RealKubernetes, run_module: Run, tmp_path: Path) -> None:
    arguments = {**kubernetes.arguments(), "endpoint": "https://127.0.0.1:9", "watch": "etcd", "seconds": 1}
    result = run_module("drill_client", check=True, **arguments, marker=str(tmp_path / "marker"))
    assert result["changed"] is False and "client" not in result
