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
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/add.yml"
# The virtual address is that of the API which clients poll.
GROUPS = ["etcd=n1", "master=n1", "lb=n1"]
# Of a run, before the kubelet of a node is started.
TASKS = 75


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster with one node beside its master, and hosts that are not in it yet."""
    need_cluster()
    made = Cluster("h-add", [*GROUPS, "node=n2"])
    with made.standing(5):
        # Only those two, as the inventory of the others is written later.
        made.settings = {"verify_workload": True}
        made.deploy("--limit", "n1,n2")
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


def taints(cluster: Cluster, node: str) -> str:
    """Return the keys of a node's taints."""
    return cluster.kubectl("n1", f"get node {node} -o jsonpath='{{.spec.taints[*].key}}'")


def ready(cluster: Cluster) -> list[str]:
    """Return the nodes that are Ready."""
    shown = "jsonpath='{range .items[*]}{.metadata.name}={.status.conditions[?(@.type==\"Ready\")].status} {end}'"
    found = cluster.kubectl("n1", f"get nodes -o {shown}").split()
    return sorted(entry.partition("=")[0] for entry in found if entry.endswith("=True"))


def test_one_node(cluster: Cluster) -> None:
    grow(cluster, "n3")
    started = cluster.starts()
    with cluster.polling() as poll:
        done = add(cluster, "n3")
    print(done.output)
    assert done.status == 0, done.output[-5000:]
    print({t["name"]: t["changed"] for t in done.tasks}, len(done.tasks), sum(t.get("seconds", 0) for t in done.tasks))
    unharmed(poll, "a node is added")
    assert contacted(done) == {"n1", "n3"}
