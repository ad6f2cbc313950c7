# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a cluster with a node that is down, and what happens when it is back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

ALLOWED = ("-e", "cluster_unreachable_nodes=34%")
DOWN = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
CONFIRM = ("-e", "confirm=kubernetes")
LEFT_OUT = "host n3: not reached, and left out of this run"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of three nodes, of which one is down."""
    need_cluster()
    made = Cluster("e2e-unreachable", ["etcd=n1", "master=n1", "lb=", "node=n1,n2,n3"])
    with made.standing(3):
        made.deploy()
        made.sandbox("poweroff", "n3")
        # What an operator does with a node that is down: its pods start elsewhere, and no workload waits for it.
        made.kubectl("n1", f"taint node n3 {DOWN}")
        wait_for(lambda: "n3" not in made.kubectl("n1", "-n kube-system get pods -o wide"), 120)
        yield made


def text(run: Run) -> str:
    """Return the output in one line."""
    return " ".join(run.output.split())


def recorded(cluster: Cluster) -> list[str]:
    """Return the nodes that the cluster record lists as left out."""
    shown = cluster.kubectl("n1", "-n kube-system get configmap hardway-cluster -o jsonpath='{.data.record\\.json}'")
    return list(json.loads(shown).get("left_out", {}))


def test_by_default_a_node_that_is_down_stops_the_run(cluster: Cluster) -> None:
    done = cluster.run()
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert "host n3: not reached; fix the connection" in text(done)
    more = cluster.run("-e", "cluster_unreachable_nodes=33%", "--check")
    assert more.status != 0 and "host n3: not reached; fix the connection" in text(more), more.output[-3000:]
    wrong = cluster.run("-e", "cluster_unreachable_nodes=n1")
    assert "cluster_unreachable_nodes: n1 is not a host of group node alone" in text(wrong), wrong.output[-3000:]


def test_it_is_left_out_and_recorded(cluster: Cluster) -> None:
    cluster.settings = {"node_kubelet_config": {"maxPods": 99}}
    checked = cluster.run(*ALLOWED, "--check")
    assert checked.status == 0 and LEFT_OUT in text(checked), checked.output[-4000:]
    assert checked.changed["Run kubelet and kube-proxy"] == 2
    done = cluster.deploy(*ALLOWED)
    assert LEFT_OUT in text(done) and "Nodes left out, because they do not answer: n3" in text(done)
    assert done.changed["Run kubelet and kube-proxy"] == 2 and done.changed["Update the cluster record"] == 1
    assert recorded(cluster) == ["n3"]
    assert cluster.deploy(*ALLOWED).changed == {}
    assert cluster.deploy("-e", "cluster_unreachable_nodes=n3").changed == {}


def test_verify_and_status_name_it(cluster: Cluster) -> None:
    strict = cluster.run(playbook="playbooks/verify.yml")
    assert strict.status != 0 and "host n3: not reached" in text(strict), strict.output[-3000:]
    done = cluster.run(*ALLOWED, playbook="playbooks/verify.yml")
    assert done.status == 0 and "Nodes left out, because they do not answer: n3" in text(done), done.output[-3000:]
    status = text(cluster.run(playbook="playbooks/status.yml"))
    assert "not updated since" in status, status[-3000:]


def test_reboots_leave_it_out(cluster: Cluster) -> None:
    refused = cluster.run("-e", "always=true", playbook="playbooks/reboot.yml")
    assert refused.status != 0 and "n3: unreachable; bring the hosts back" in text(refused), refused.output[-3000:]
    plan = cluster.run(*ALLOWED, "-e", "hosts=n2,n3", "-e", "always=true", playbook="playbooks/reboot.yml")
    assert plan.status == 0 and "hosts n3: unreachable, and left out" in text(plan), plan.output[-3000:]
    done = cluster.run(*ALLOWED, "-e", "hosts=n2,n3", "-e", "always=true", *CONFIRM, playbook="playbooks/reboot.yml")
    assert done.status == 0 and done.changed["Reboot"] == 1, done.failure


def test_a_rotation_goes_on_without_it(cluster: Cluster) -> None:
    done = cluster.run(*ALLOWED, playbook="playbooks/rotate_ca.yml")
    assert done.status == 0, done.failure
    assert not (cluster.pki / "rotation.json").exists()
    assert recorded(cluster) == ["n3"]
    assert cluster.deploy(*ALLOWED).changed == {}


def test_the_next_run_that_reaches_it_updates_it(cluster: Cluster) -> None:
    cluster.sandbox("poweron", "n3")
    cluster.kubectl("n1", f"taint node n3 {DOWN}-")
    wait_for(lambda: cluster.exec("n3", "systemctl is-system-running --wait").returncode in (0, 1), 120)
    checked = cluster.run("--check")
    assert checked.status == 0, checked.failure
    done = cluster.deploy()
    assert done.changed["Run kubelet and kube-proxy"] == 1 and recorded(cluster) == []
    ready = cluster.kubectl("n1", "get node n3 -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}'")
    assert ready == "True"
    assert "99" in cluster.exec("n3", "grep maxPods /var/lib/kubelet/config.yaml").stdout
    assert cluster.deploy().changed == {}
