# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes join a running cluster: only they and one master are contacted, and a kill or a failure costs no other node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run, unharmed, wait_for
from tests.support.hosts.killed_run import kill_at
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/add.yml"
# The virtual address is that of the API which clients poll.
GROUPS = ["etcd=n1", "master=n1", "lb=n1"]
# The kubelet has its certificate, and is not started; its node is registered; it is not tested.
KILLED_AFTER = (
    "Install the kubelet certificate",
    "Write the configuration of a kubelet that has joined",
    "Test the nodes that join",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster with one node beside its master, and three hosts that are in no group yet."""
    need_cluster()
    made = Cluster("h-add", [*GROUPS, "node=n2"])
    with made.standing(5):
        made.deploy()
        yield made


def grow(cluster: Cluster, *nodes: str) -> None:
    """Put hosts into the inventory's group of nodes."""
    cluster.groups = [*GROUPS, f"node={','.join(['n2', *nodes])}"]
    cluster.write_inventory()


def add(cluster: Cluster, hosts: str, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run("-e", f"hosts={hosts}", *arguments, playbook=PLAYBOOK)


def contacted(run: Run) -> set[str]:
    """Return the hosts in the recap of a run, without the controller."""
    recap = run.output.rpartition("PLAY RECAP")[2]
    return set(re.findall(r"^(\S+)\s+: ok=", recap, re.MULTILINE)) - {"localhost"}


def seconds(run: Run) -> str:
    """Return how many tasks a run had and how long they took, for the log of the test."""
    return f"{len(run.tasks)} tasks, {sum(task['seconds'] for task in run.tasks):.0f} s"


def taints(cluster: Cluster, node: str) -> str:
    """Return the keys of a node's taints."""
    return cluster.kubectl("n1", f"get node {node} -o jsonpath='{{.spec.taints[*].key}}'")


def ready(cluster: Cluster) -> list[str]:
    """Return the nodes that are Ready."""
    shown = "jsonpath='{range .items[*]}{.metadata.name}={.status.conditions[?(@.type==\"Ready\")].status} {end}'"
    found = cluster.kubectl("n1", f"get nodes -o {shown}").split()
    return sorted(entry.partition("=")[0] for entry in found if entry.endswith("=True"))


def test_wrong_names_are_refused(cluster: Cluster) -> None:
    for hosts, problem in (
        ("", "hosts: not set; name the hosts"),
        ("n9", "hosts: n9: no host or group of the inventory"),
        ("n3", "hosts: n3: not in group"),
    ):
        done = add(cluster, hosts)
        assert done.status != 0 and done.changed == {}, done.output[-3000:]
        assert problem in " ".join(done.output.split()), done.output[-3000:]


def test_a_host_that_fails_leaves_the_others(cluster: Cluster, tmp_path: Path) -> None:
    grow(cluster, "n4", "n5")
    cluster.exec("n4", "systemd-run --unit=other python3 -m http.server 10250")
    plan = tmp_path / "plan.json"
    checked = add(cluster, "n4,n5", "--check", "-e", f"plan_file={plan}")
    assert "port 10250: in use" in checked.output and ready(cluster) == ["n2"]
    assert json.loads(plan.read_text())["scope"]["joins"] == ["n5"]
    done = add(cluster, "n4,n5")
    print(f"one node: {seconds(done)}")
    assert done.status != 0 and "Not added: n4." in " ".join(done.output.split()), done.output[-3000:]
    assert contacted(done) == {"n1", "n4", "n5"}
    assert ready(cluster) == ["n2", "n5"] and taints(cluster, "n5") == ""
    wait_for(lambda: not cluster.kubectl("n1", "get namespaces -o name").count("hardway-verify"))
    cluster.exec("n4", "systemctl stop other")
    done = add(cluster, "n4,n5")
    assert done.status == 0 and ready(cluster) == ["n2", "n4", "n5"], done.output[-5000:]
    assert taints(cluster, "n4") == ""


def test_the_same_command_finishes_a_killed_addition(cluster: Cluster) -> None:
    grow(cluster, "n3", "n4", "n5")
    started = cluster.starts()
    with cluster.polling() as poll:
        for word in KILLED_AFTER:
            ended = kill_at(cluster, word, ("-e", "hosts=n3"), PLAYBOOK)
            print(f"killed after {word}" if not ended else "finished before")
        assert "hardway/joining" in taints(cluster, "n3")
        done = add(cluster, "n3")
    assert done.status == 0, done.output[-5000:]
    unharmed(poll, "a node is added, by a run that is killed and repeated")
    assert contacted(done) == {"n1", "n3"}
    assert ready(cluster) == ["n2", "n3", "n4", "n5"] and taints(cluster, "n3") == ""
    # What ran before is as it was.
    now = cluster.starts()
    assert [unit for unit in started if not unit.startswith("n3 ") and started[unit] != now[unit]] == []
    again = add(cluster, "n3")
    assert again.status == 0 and again.changed == {}, again.changed
    assert contacted(again) == {"n1", "n3"}


def test_site_has_nothing_to_change_afterwards(cluster: Cluster) -> None:
    done = cluster.deploy()
    print(f"site: {seconds(done)}")
    assert done.changed == {}
    # It opens a node whose addition was interrupted.
    cluster.kubectl("n1", "taint node n5 hardway/joining:NoSchedule")
    verified = cluster.run(playbook="playbooks/verify.yml")
    assert verified.status != 0 and "node n5: still has the taint" in verified.output, verified.output[-3000:]
    assert cluster.deploy().changed == {"Label and taint the nodes": 1}
    assert taints(cluster, "n5") == ""
