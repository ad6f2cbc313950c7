# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster from its first deployment to its reset, through the main operations, while clients go on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.sandbox.lifecycle import find_host, layout_of
from tests.support.hosts.cluster import Cluster, Poll, Run, unharmed, wait_for
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

BEFORE, AFTER = "1.35.6", "1.36.2"
CONFIRM = ("-e", "confirm=kubernetes")
KUBELET = ("Write the node units and configuration", "Run kubelet and kube-proxy")
EVERY_ROLE = [f"{group}=n1,n2,n3" for group in ("etcd", "master", "lb")]


class Operations:
    """A cluster whose inventory names no version of Kubernetes, with what its operations took."""

    def __init__(self, cluster: Cluster, archives: Path) -> None:
        """Nothing was done yet."""
        self.cluster, self.archives = cluster, archives
        self.rows: list[str] = []

    def nodes(self, *hosts: str) -> None:
        """Write the inventory with these nodes."""
        self.cluster.groups = [*EVERY_ROLE, f"node={','.join(hosts)}"]
        self.cluster.write_inventory()
        self.cluster.forget()

    def operate(self, what: str, playbook: str, *arguments: str) -> Run:
        """Run a playbook, and require success."""
        begin = time.monotonic()
        done = self.cluster.run(*arguments, playbook=playbook)
        assert done.status == 0, f"{what}: {done.failure}"
        seconds = time.monotonic() - begin
        self.rows.append(f"{what}: {seconds:.0f} s, {len(done.tasks)} tasks, {sum(done.changed.values())} changes")
        print(self.rows[-1])
        return done

    @contextmanager
    def serving(self, what: str) -> Iterator[Poll]:
        """Require that no client fails while the block runs."""
        first = len(self.rows)
        with self.cluster.polling() as poll:
            yield poll
        unharmed(poll, f"operations: {what}", "; ".join(self.rows[first:]))


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Operations]:
    """Return four hosts, and an inventory in which the fourth has no role."""
    need_versions(BEFORE, AFTER)
    monkeypatch.setenv("KUBERNETES_VERSION", BEFORE)
    need_cluster()
    cluster = Cluster("e2e-operations", [*EVERY_ROLE, "node=n1,n2,n3"])
    with cluster.standing(4):
        yield Operations(cluster, tmp_path)


def versions(cluster: Cluster) -> set[str]:
    """Return the versions of the kubelets."""
    return set(cluster.kubectl("n1", "get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}").split())


def ready(cluster: Cluster) -> dict[str, str]:
    """Return whether the nodes are Ready, by name."""
    shown = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}'
    return dict(one.split("=") for one in cluster.kubectl("n1", f"get nodes -o jsonpath='{shown}'").split())


def lose(cluster: Cluster, host: str) -> None:
    """Replace a host by an empty machine with its address."""
    cluster.sandbox("poweroff", host)
    # Until then its kubelet could still run.
    wait_for(lambda: ready(cluster)[host] == "Unknown", 120)
    layout, state = layout_of(cluster.name)
    shutil.rmtree(find_host(layout, state, host).directory)
    cluster.sandbox("poweron", host)


def test_from_the_first_deployment_to_the_reset(operations: Operations) -> None:
    cluster = operations.cluster
    operations.operate("deploy", "site.yml")
    cluster.kubectl("n1", "create configmap before")
    operations.nodes("n1", "n2", "n3", "n4")
    with operations.serving("add a node, upgrade"):
        operations.operate("add a node", "playbooks/add.yml", "-e", "hosts=n4")
        assert ready(cluster) == dict.fromkeys(cluster.hosts(), "True") and versions(cluster) == {f"v{BEFORE}"}
        upgrade = ("-e", f"to={AFTER}", "-e", "cluster_batch=2", *CONFIRM)
        operations.operate("upgrade", "playbooks/upgrade.yml", *upgrade)
        assert versions(cluster) == {f"v{AFTER}"}
    # What clients see of a power loss is measured by tests/e2e/cluster and by the drill.
    lose(cluster, "n2")
    with operations.serving("replace a master"):
        operations.operate("replace a master", "playbooks/replace.yml", "-e", "hosts=n2", "-e", "lost=n2", *CONFIRM)
        assert ready(cluster) == dict.fromkeys(cluster.hosts(), "True")
    operations.operate("back up", "playbooks/backup.yml", "-e", f"backup_fetch_dir={operations.archives}")
    (archive,) = operations.archives.iterdir()
    cluster.kubectl("n1", "create configmap after")
    operations.operate("restore", "playbooks/restore.yml", "-e", f"archive={archive}", *CONFIRM)
    found = cluster.kubectl("n2", "get configmaps -o name").split()
    assert "configmap/before" in found and "configmap/after" not in found
    with operations.serving("remove a node"):
        operations.operate("remove the node", "playbooks/remove_node.yml", "-e", "hosts=n4", *CONFIRM)
        operations.nodes("n1", "n2", "n3")
        # Without a worker, pods run on the masters again.
        again = operations.operate("deploy without workers", "site.yml")
        assert set(again.changed) == {*KUBELET, "Label and taint the nodes"}
        assert operations.operate("deploy again", "site.yml").changed == {}
    operations.operate("reset", "playbooks/reset.yml", "-e", "hosts=all", *CONFIRM)
    for host in cluster.hosts():
        assert cluster.exec(host, "systemctl is-active kubelet etcd kube-apiserver").stdout.split() == ["inactive"] * 3
    print("\n".join(operations.rows))
