# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole cluster is reset, half-deployed and whole, beside a container of others, and deployed again on its host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.hosts.reset import (
    ALL,
    CANARIES,
    MOUNTED,
    PLAYBOOK,
    TASKS,
    deploy_foreign_container,
    foreign_container,
    is_reset,
    remove_foreign_container,
    reset,
    reset_cluster,
    shell,
    words,
)
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a host with everything, also a load balancer, on which nothing was deployed yet."""
    need_cluster()
    with reset_cluster("reset-all", 1, ["node=n1", "lb=n1"]) as made:
        yield made


@pytest.mark.parametrize("tasks", [26, 45, 62])
def test_a_half_deployed_host_is_reset(cluster: Cluster, tasks: int) -> None:
    kill_after(cluster, 1, tasks)
    print(f"site.yml was killed in {last_task(cluster)}")
    assert reset(cluster, *ALL).changed == {"Reset the host": 1}
    is_reset(cluster, "n1")
    assert reset(cluster, *ALL).changed == {}


def test_all_is_reset_beside_a_container_of_others(cluster: Cluster) -> None:
    cluster.deploy()
    shell(cluster, "n1", f"set -e\n{CANARIES}")
    foreign = deploy_foreign_container(cluster, "n1")
    for attempt in range(3):
        ended = kill_after(cluster, 1 + 3 * attempt, TASKS, ALL, PLAYBOOK)
        print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
    assert "namespace backup has canary" in words(reset(cluster, *ALL))
    assert foreign_container(cluster, "n1") == foreign
    assert shell(cluster, "n1", "ctr -n k8s.io containers ls -q; ctr -n k8s.io images ls -q") == ""
    assert shell(cluster, "n1", "ls -d /var/lib/etcd.removed-*/member | wc -l") != "0"
    assert shell(cluster, "n1", f"cat /srv/canary/file {MOUNTED}/file") == "data\ndata"
    assert reset(cluster, *ALL).changed == {}
    remove_foreign_container(cluster, "n1")
    assert reset(cluster, *ALL).changed == {"Reset the host": 1}
    is_reset(cluster, "n1")
    assert reset(cluster, *ALL).changed == {}


def test_a_new_cluster_on_the_same_host(cluster: Cluster) -> None:
    cluster.deploy()
    assert cluster.kubectl("n1", "get nodes -o name") == "node/n1"
    assert cluster.deploy().changed == {}
