# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upgrade goes on without a node that is down, and takes it along when it is back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

BEFORE, AFTER = "1.35.6", "1.36.2"
CONFIRM = ("-e", "confirm=kubernetes")
ALLOWED = ("-e", "cluster_unreachable_nodes=1")
DOWN = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of the minor before, with a node that is down."""
    need_versions(BEFORE, AFTER)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KUBERNETES_VERSION", BEFORE)
        need_cluster()
        made = Cluster("e2e-upgrade-down", ["etcd=n1", "master=n1", "lb=", "node=n1,n2,n3"])
        with made.standing(3):
            made.deploy()
            # From now on the inventory names no version.
            made.forget()
            made.sandbox("poweroff", "n3")
            made.kubectl("n1", f"taint node n3 {DOWN}")
            wait_for(lambda: "Unknown" in made.kubectl("n1", "get node n3 -o jsonpath={.status.conditions}"), 120)
            yield made


def upgrade(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run("-e", f"to={AFTER}", *arguments, playbook="playbooks/upgrade.yml")


def versions(cluster: Cluster) -> dict[str, str]:
    """Return the versions of the kubelets by node."""
    shown = "{range .items[*]}{.metadata.name}={.status.nodeInfo.kubeletVersion} {end}"
    return dict(one.split("=v") for one in cluster.kubectl("n1", f"get nodes -o jsonpath='{shown}'").split())


def test_it_is_refused_by_default(cluster: Cluster) -> None:
    done = upgrade(cluster, *CONFIRM)
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert "nodes n3: not Ready; repair them" in " ".join(done.output.split())


def test_the_others_are_upgraded(cluster: Cluster) -> None:
    plan = upgrade(cluster, *ALLOWED)
    assert plan.status == 0 and plan.changed == {}, plan.failure
    text = " ".join(plan.output.split())
    assert "nodes n3: not Ready, and left out" in text and "-e cluster_unreachable_nodes=1 -e confirm" in text, text
    done = upgrade(cluster, *ALLOWED, *CONFIRM)
    assert done.status == 0, done.failure
    assert versions(cluster) == {"n1": AFTER, "n2": AFTER, "n3": BEFORE}
    again = upgrade(cluster, *ALLOWED, *CONFIRM)
    assert again.status == 0 and again.changed == {}, again.failure


def test_the_same_command_upgrades_it_when_it_is_back(cluster: Cluster) -> None:
    cluster.sandbox("poweron", "n3")
    cluster.kubectl("n1", f"taint node n3 {DOWN}-")
    ready = "get node n3 -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}'"
    wait_for(lambda: cluster.kubectl("n1", ready) == "True", 180)
    done = upgrade(cluster, *ALLOWED, *CONFIRM)
    assert done.status == 0, done.failure
    assert set(versions(cluster).values()) == {AFTER}
    assert cluster.deploy().changed == {}
