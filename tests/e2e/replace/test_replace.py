# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with all roles, the first of the inventory, is lost; another machine takes its place, by one command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from dev.sandbox.lifecycle import find_host, layout_of
from tests.support.hosts.cluster import Cluster, Run, unharmed, wait_for
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/replace.yml"
NAMED = ("-e", "hosts=n1", "-e", "lost=n1")
CONFIRM = ("-e", "confirm=kubernetes")
ETCDCTL = (
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt "
    "--cert /etc/etcd/pki/healthcheck-client.crt --key /etc/etcd/pki/healthcheck-client.key"
)


def everywhere(*hosts: str) -> list[str]:
    """Return the groups of an inventory with these hosts, all in each."""
    return [f"{group}={','.join(hosts)}" for group in ("etcd", "master", "lb", "node")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster on three hosts with all roles, and a fourth host."""
    need_cluster()
    made = Cluster("h-remove-replace", everywhere("n1", "n2", "n3"))
    with made.standing(4):
        made.deploy()
        yield made


def replace(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*NAMED, *arguments, playbook=PLAYBOOK)


def switch_off(cluster: Cluster, host: str) -> None:
    """Cut the power of a host, and wait until its kubelet counts as unresponsive.

    What clients see meanwhile is measured in tests/e2e/cluster/test_lifecycle.py.
    """
    cluster.sandbox("poweroff", host)
    ready = f"get node {host} -o jsonpath='{{.status.conditions[?(@.type==\"Ready\")].status}}'"
    wait_for(lambda: cluster.kubectl("n2", ready) != "True", 120)


def healthy(cluster: Cluster, *hosts: str) -> None:
    """Require that exactly these hosts are voters and ready nodes, and that each has an API server."""
    listed = json.loads(cluster.exec("n2", f"{ETCDCTL} member list -w json").stdout)["members"]
    assert sorted((one["name"], bool(one.get("isLearner"))) for one in listed) == [(host, False) for host in hosts]
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    shown = f"get nodes -o jsonpath='{{range .items[*]}}{{.metadata.name}}={ready} {{end}}'"
    assert cluster.kubectl("n2", shown).split() == [f"{host}=True" for host in hosts]
    servers = cluster.kubectl("n2", "get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")
    assert len(servers.split()) == len(hosts)


def test_a_host_that_lives_is_not_replaced(cluster: Cluster) -> None:
    done = replace(cluster)
    assert done.status == 0 and done.changed == {}, done.output[-3000:]
    assert "n1: healthy, not replaced" in " ".join(done.output.split())
    refused = replace(cluster, "-e", "by=n4", *CONFIRM)
    assert refused.status != 0 and refused.changed == {}, refused.output[-3000:]


def test_a_new_machine_takes_the_name_of_the_lost_one(cluster: Cluster) -> None:
    switch_off(cluster, "n1")
    with cluster.polling() as poll:
        layout, state = layout_of(cluster.name)
        shutil.rmtree(find_host(layout, state, "n1").directory)
        done = replace(cluster)
        assert done.status != 0 and "n1: unreachable; switch the new machines on" in " ".join(done.output.split())
        cluster.sandbox("poweron", "n1")
        undeclared = cluster.run("-e", "hosts=n1", playbook=PLAYBOOK)
        assert "declare it lost with -e lost=n1" in " ".join(undeclared.output.split()), undeclared.output[-3000:]
        plan = replace(cluster)
        assert plan.status == 0 and plan.changed == {}, plan.output[-5000:]
        text = " ".join(plan.output.split())
        assert "n1: remove the dead voter" in text and "n1: delete the Node n1 of the machine that is gone" in text
        checked = replace(cluster, *CONFIRM, "--check")
        assert checked.status == 0, checked.output[-5000:]
        for attempt in range(4):
            ended = kill_after(cluster, 1.5, 34 + 30 * attempt, (*NAMED, *CONFIRM), PLAYBOOK)
            print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
        done = replace(cluster, *CONFIRM)
        assert done.status == 0, done.output[-6000:]
    print(poll)
    healthy(cluster, "n1", "n2", "n3")
    again = replace(cluster, *CONFIRM)
    assert again.status == 0 and again.changed == {}, again.changed
    unharmed(poll, "a lost host with all roles is replaced")


def test_a_host_of_another_name_takes_the_place_of_the_lost_one(cluster: Cluster) -> None:
    switch_off(cluster, "n1")
    with cluster.polling() as poll:
        cluster.groups = everywhere("n4", "n2", "n3")
        cluster.write_inventory()
        done = replace(cluster, "-e", "by=n4", *CONFIRM)
        assert done.status == 0, done.output[-6000:]
    print(poll)
    healthy(cluster, "n2", "n3", "n4")
    again = replace(cluster, "-e", "by=n4", *CONFIRM)
    assert again.status == 0 and again.changed == {}, again.changed
    unharmed(poll, "a host of another name takes the place of a lost one")
