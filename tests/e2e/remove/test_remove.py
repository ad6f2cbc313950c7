# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with several roles leave a cluster, one lost and two alive, until one host has everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run, unharmed
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/remove.yml"
CONFIRM = ("-e", "confirm=kubernetes")
ETCDCTL = (
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt "
    "--cert /etc/etcd/pki/healthcheck-client.crt --key /etc/etcd/pki/healthcheck-client.key"
)
ALL = ["etcd=n1,n2,n3", "master=n1,n2,n3,n4", "lb=n1,n2,n3,n4", "node=n1,n2,n3"]
UNITS = "etcd kube-apiserver kube-controller-manager kube-scheduler haproxy keepalived kubelet containerd"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster on three hosts with all roles, and a fourth that is master and load balancer only."""
    need_cluster()
    made = Cluster("h-remove-remove", ALL)
    with made.standing(4):
        made.deploy()
        yield made


def remove(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def text(run: Run) -> str:
    """Return the output in one line."""
    return " ".join(run.output.split())


def finished_after_kills(cluster: Cluster, first: int, *arguments: str) -> None:
    """Kill the playbook in the middle, then let the same command finish; a further run changes nothing."""
    for attempt in range(4):
        ended = kill_after(cluster, 1.5, first + 30 * attempt, arguments, PLAYBOOK)
        print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
    done = remove(cluster, *arguments)
    assert done.status == 0, done.output[-6000:]
    again = remove(cluster, *arguments)
    assert again.status == 0 and again.changed == {}, (again.changed, again.output[-3000:])


def state(cluster: Cluster) -> dict[str, list[str]]:
    """Return voters, nodes and addresses of API servers."""
    listed = json.loads(cluster.exec("n2", f"{ETCDCTL} member list -w json").stdout)["members"]
    servers = cluster.kubectl("n2", "get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")
    record = json.loads(
        cluster.kubectl("n2", "-n kube-system get configmap hardway-cluster -o jsonpath='{.data.record\\.json}'")
    )
    addresses = {str(known["ansible_host"]): host for host, known in cluster.described()["hosts"].items()}
    assert [one["name"] for one in record["etcd"]] == sorted(one["name"] for one in listed)
    return {
        "etcd": sorted(one["name"] for one in listed),
        "nodes": cluster.kubectl("n2", "get nodes -o jsonpath='{.items[*].metadata.name}'").split(),
        "masters": sorted(addresses[address] for address in servers.split()),
        "record": record["masters"],
    }


def test_what_stands_in_the_way_is_refused(cluster: Cluster) -> None:
    before = state(cluster)
    for arguments, reason in (
        ((), "hosts: not set; name the hosts"),
        (("-e", "hosts=n9"), "hosts: n9: no host or group of the inventory"),
        (("-e", "hosts=n4", "-e", "confirm=prod"), "confirm: prod is not the name"),
        (("-e", "hosts=n1,n2,n3", *CONFIRM), "hosts: no host of etcd would stay"),
        (("-e", "hosts=n4", "-e", "lost=n4", *CONFIRM), "answers on port 22, so this host is not lost"),
    ):
        done = remove(cluster, *arguments)
        assert done.status != 0 and done.changed == {}, done.output[-3000:]
        assert reason in text(done), done.output[-3000:]
    assert state(cluster) == before


def test_a_lost_master_is_removed(cluster: Cluster) -> None:
    cluster.sandbox("poweroff", "n4")
    command = ("-e", "hosts=n4", "-e", "lost=n4")
    assert "n4: unreachable; bring it back" in text(remove(cluster, "-e", "hosts=n4"))
    plan = remove(cluster, *command)
    assert plan.status == 0 and plan.changed == {} and "n4: it is lost and never contacted" in text(plan), plan.output
    with cluster.polling() as poll:
        done = remove(cluster, *command, *CONFIRM)
        assert done.status == 0, done.output[-6000:]
    unharmed(poll, "a lost master is removed")
    assert "Take n4 out of the inventory" in text(done)
    everything = ["n1", "n2", "n3"]
    assert state(cluster) == {"etcd": everything, "nodes": everything, "masters": everything, "record": everything}
    cluster.groups = [group.replace(",n4", "") for group in ALL]
    cluster.write_inventory()
    assert cluster.deploy().changed == {}


def test_the_first_host_is_removed_while_clients_go_on(cluster: Cluster, tmp_path: Path) -> None:
    plan, command = tmp_path / "plan.json", ("-e", "hosts=n1")
    done = remove(cluster, *command, "-e", f"plan_file={plan}")
    assert done.status == 0 and done.changed == {}, done.output[-5000:]
    assert "2 is an even number of members" in text(done) and "-e hosts=n1 -e confirm=kubernetes" in text(done)
    assert json.loads(plan.read_text(encoding="utf-8"))["hosts"][0]["groups"] == ["etcd", "master", "lb", "node"]
    before = state(cluster)
    checked = remove(cluster, *command, *CONFIRM, "--check")
    assert checked.status == 0 and state(cluster) == before, checked.output[-6000:]
    with cluster.polling() as poll:
        finished_after_kills(cluster, 60, *command, *CONFIRM)
    unharmed(poll, "the first host is removed")
    left = ["n2", "n3"]
    assert state(cluster) == {"etcd": left, "nodes": left, "masters": left, "record": left}
    assert cluster.holder() in left
    # It does not come back.
    cluster.sandbox("poweroff", "n1")
    cluster.sandbox("poweron", "n1")
    assert set(cluster.exec("n1", f"systemctl is-active {UNITS}").stdout.split()) == {"inactive"}
    assert set(cluster.exec("n1", f"systemctl is-enabled {UNITS}").stdout.split()) == {"disabled"}
    assert "etcd.removed-" in cluster.exec("n1", "ls /var/lib").stdout


def test_one_host_stays(cluster: Cluster) -> None:
    cluster.groups = [f"{group}=n2,n3" for group in ("etcd", "master", "lb", "node")]
    cluster.write_inventory()
    with cluster.polling() as poll:
        done = remove(cluster, "-e", "hosts=n3", *CONFIRM)
        assert done.status == 0, done.output[-6000:]
    unharmed(poll, "one of two hosts is removed")
    assert state(cluster) == {"etcd": ["n2"], "nodes": ["n2"], "masters": ["n2"], "record": ["n2"]}
    cluster.groups = [f"{group}=n2" for group in ("etcd", "master", "lb", "node")]
    cluster.write_inventory()
    assert cluster.deploy().changed == {}
