# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command upgrades by two minors: every host has the first one before any host has the second one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dev.standins import use as rehearsal
from tests.support.hosts.cluster import Cluster, unharmed
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

VERSIONS = ("1.34.9", "1.35.6", "1.36.2")
PATCH = "1.36.3"
TOPOLOGIES = {
    "single-master": ["etcd=n1", "master=n1", "lb=", "node=n1,n2"],
    "ha": ["etcd=n1,n2,n3", "master=n1,n2,n3", "lb=n1,n2,n3", "node=n1,n2,n3"],
}


TO = ("-e", f"to={','.join(VERSIONS[1:])}", "-e", "confirm=kubernetes")


@contextmanager
def deployed(topology: str) -> Iterator[Cluster]:
    """Deploy a cluster of the first version."""
    need_versions(*VERSIONS)
    cluster = Cluster("e2e-two-minors", TOPOLOGIES[topology])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBERNETES_VERSION", VERSIONS[0])
        need_cluster()
        with cluster.standing(3):
            cluster.deploy()
            yield cluster


def kubelets(cluster: Cluster) -> list[str]:
    """Return the versions of the kubelets."""
    return cluster.kubectl("n1", "get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}").split()


def served(cluster: Cluster) -> str:
    """Return the version of the API server."""
    return str(json.loads(cluster.kubectl("n1", "version -o json"))["serverVersion"]["gitVersion"])


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_two_minors_in_one_command(topology: str) -> None:
    with deployed(topology) as cluster:
        nodes = cluster.kubectl("n1", "get nodes -o jsonpath={.items[*].metadata.name}").split()
        server = cluster.kubectl("n1", "config view -o jsonpath={.clusters[0].cluster.server}")
        address = "" if topology == "ha" else server.removeprefix("https://").partition(":")[0]
        with cluster.polling(address=address) as poll:
            done = cluster.run(*TO, playbook="playbooks/upgrade.yml")
        assert done.status == 0, done.output[-6000:]
        drained = [
            task["play"] for task in done.tasks if task["name"] == "Drain the nodes of this batch" and task["changed"]
        ]
        assert len(drained) == 2 * len(nodes)
        assert kubelets(cluster) == [f"v{VERSIONS[-1]}"] * len(nodes)
        assert served(cluster) == f"v{VERSIONS[-1]}"
        print(poll)
        if topology == "ha":
            unharmed(poll, "upgrade by two minors")
        # The only API server is away while it restarts, and nothing it has stored is lost.
        assert poll.lost == 0 and poll.writes > 20
        again = cluster.run(*TO, playbook="playbooks/upgrade.yml")
        assert again.status == 0 and again.changed == {}, again.output[-3000:]
        cluster.settings = {"cluster_kubernetes_version": VERSIONS[-1]}
        assert cluster.deploy().changed == {}
        cluster.settings = {}
        upgrade_to_a_patch(cluster, address)


def upgrade_to_a_patch(cluster: Cluster, address: str) -> None:
    """Upgrade to a newer patch of the same minor, without a drain: no pod is moved."""
    if rehearsal.lacking(PATCH):
        pytest.skip(f"needs the binaries of Kubernetes {PATCH} for an upgrade within a minor")
    pods = "-n kube-system get pods -l k8s-app=kube-dns -o jsonpath={.items[*].metadata.uid}"
    before = sorted(cluster.kubectl("n1", pods).split())
    with cluster.polling(address=address) as poll:
        done = cluster.run("-e", f"to={PATCH}", "-e", "confirm=kubernetes", playbook="playbooks/upgrade.yml")
    assert done.status == 0, done.output[-6000:]
    assert (
        "Drain the nodes of this batch" not in done.changed
        and before == sorted(cluster.kubectl("n1", pods).split()) != []
    )
    assert set(kubelets(cluster)) == {f"v{PATCH}"}
    print(poll)
    assert poll.lost == 0


def test_the_control_plane_alone_and_the_nodes_later_in_one_step() -> None:
    with deployed("single-master") as cluster:
        cluster.forget()
        alone = ("-e", "scope=control-plane")
        done = cluster.run(*TO, *alone, playbook="playbooks/upgrade.yml")
        assert done.status == 0, done.failure
        assert served(cluster) == f"v{VERSIONS[-1]}" and set(kubelets(cluster)) == {f"v{VERSIONS[0]}"}
        for playbook, arguments in (("site.yml", ()), ("playbooks/upgrade.yml", (*TO, *alone))):
            again = cluster.run(*arguments, playbook=playbook)
            assert again.status == 0 and again.changed == {}, again.failure
        nodes = cluster.run(*TO, playbook="playbooks/upgrade.yml")
        assert nodes.status == 0, nodes.failure
        drained = [task for task in nodes.tasks if task["name"] == "Drain the nodes of this batch" and task["changed"]]
        assert len(drained) == 2 and set(kubelets(cluster)) == {f"v{VERSIONS[-1]}"}
        again = cluster.run(playbook="site.yml")
        assert again.status == 0 and again.changed == {}, again.failure
