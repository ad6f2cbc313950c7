# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes leave a cluster: drained, in the middle of a kill, and without their host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/remove_node.yml"
CONFIRM = ("-e", "confirm=kubernetes")
GROUPS = ["etcd=n1", "master=n1", "lb="]
BARE = {"spec": {"nodeName": "n4", "containers": [{"name": "c", "image": "none.example.org/none"}]}}
# Of a run, before the first node is drained.
TASKS = 14


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster with three nodes beside its master."""
    need_cluster()
    made = Cluster("e2e-nodes", [*GROUPS, "node=n2,n3,n4"])
    with made.standing(4):
        made.deploy()
        yield made


def remove(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def refusal(cluster: Cluster, *arguments: str) -> str:
    """Run the playbook, which must change nothing and fail; return what it says."""
    nodes = cluster.kubectl("n1", "get nodes -o name")
    done = remove(cluster, *arguments)
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert cluster.kubectl("n1", "get nodes -o name") == nodes
    return " ".join(done.output.split())


def nodes(cluster: Cluster) -> list[str]:
    """Return the nodes, each with a mark if it is cordoned."""
    shown = "jsonpath='{range .items[*]}{.metadata.name}{.spec.unschedulable} {end}'"
    return cluster.kubectl("n1", f"get nodes -o {shown}").split()


def test_wrong_names_are_refused(cluster: Cluster) -> None:
    assert "hosts: not set; name the hosts" in refusal(cluster)
    assert "hosts: n9: no host or group of the inventory" in refusal(cluster, "-e", "hosts=n9")
    assert "hosts: n1: also in group" in refusal(cluster, "-e", "hosts=n1")
    assert "force: rom: unknown; use some of" in refusal(cluster, "-e", "hosts=n4", "-e", "force=rom")
    assert "confirm: prod is not the name" in refusal(cluster, "-e", "hosts=n4", "-e", "confirm=prod")
    lost = refusal(cluster, "-e", "hosts=n4", "-e", "lost=n4", *CONFIRM)
    assert "answers on port 22, so this host is not lost" in lost


def test_what_would_be_lost_is_refused(cluster: Cluster) -> None:
    document = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, **BARE})
    cluster.exec("n1", f"echo '{document}' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -")
    assert "default/bare" in refusal(cluster, "-e", "hosts=n4", *CONFIRM)
    assert nodes(cluster) == ["n2", "n3", "n4"]


def test_the_plan_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    done = remove(cluster, "-e", "hosts=n4", "-e", "force=bare", "-e", f"plan_file={plan}")
    assert done.status == 0 and done.changed == {}, done.output[-3000:]
    text = " ".join(done.output.split())
    assert "default/bare" in text and "-e hosts=n4 -e force=bare -e confirm=kubernetes" in text, text[-2000:]
    assert json.loads(plan.read_text())["nodes"][0]["name"] == "n4"
    checked = remove(cluster, "-e", "hosts=n4", "-e", "force=bare", *CONFIRM, "--check")
    assert checked.status == 0 and checked.changed["Delete the node"] == 1, checked.output[-3000:]
    assert nodes(cluster) == ["n2", "n3", "n4"]


def test_the_same_command_finishes_a_killed_removal(cluster: Cluster) -> None:
    command = ("-e", "hosts=n4", "-e", "force=bare", *CONFIRM)
    for attempt in range(4):
        ended = kill_after(cluster, 1.5, TASKS + attempt, command, PLAYBOOK)
        print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
    done = remove(cluster, *command)
    assert done.status == 0, done.output[-4000:]
    assert nodes(cluster) == ["n2", "n3"]
    active = cluster.exec("n4", "systemctl is-active kubelet kube-proxy flanneld containerd").stdout.split()
    assert set(active) == {"inactive"}
    assert set(cluster.exec("n4", "systemctl is-enabled kubelet containerd").stdout.split()) == {"disabled"}
    again = remove(cluster, *command)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]


def test_a_lost_node_is_removed_and_its_pods_run_elsewhere(cluster: Cluster) -> None:
    cluster.groups = [*GROUPS, "node=n2,n3"]
    cluster.write_inventory()
    assert cluster.deploy().changed == {}
    cluster.sandbox("poweroff", "n3")
    assert "n3: unreachable; bring the hosts back, or" in refusal(cluster, "-e", "hosts=n3", *CONFIRM)
    done = remove(cluster, "-e", "hosts=n3", "-e", "lost=n3", *CONFIRM)
    assert done.status == 0, done.output[-4000:]
    assert nodes(cluster) == ["n2"]
    pods = json.loads(cluster.kubectl("n1", "-n kube-system get pods -l k8s-app=kube-dns -o json"))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"n2"}


def test_a_removed_node_can_come_back(cluster: Cluster) -> None:
    """Its host is as it was left, so a run of site joins it again."""
    cluster.groups = [*GROUPS, "node=n2,n4"]
    cluster.write_inventory()
    cluster.deploy()
    assert nodes(cluster) == ["n2", "n4"]
    assert cluster.deploy().changed == {}
