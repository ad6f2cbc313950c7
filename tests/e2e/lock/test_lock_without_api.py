# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock while the only API server is down, or etcd, and what the cluster then knows of its versions.

etcd runs on a host of its own, so one that is no master locks as well.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.cluster import Cluster, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = Path(__file__).with_name("playbook.yml").relative_to(TOP)
PKI = "/etc/etcd/pki"
ETCDCTL = (
    f"etcdctl --endpoints https://127.0.0.1:2379 --cacert {PKI}/ca.crt "
    f"--cert {PKI}/healthcheck-client.crt --key {PKI}/healthcheck-client.key"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a master and node, and a host of etcd."""
    need_cluster()
    made = Cluster("e2e-lock", ["etcd=n2", "node=n1"])
    made.topology = "single-master"
    with made.standing(2):
        made.deploy()
        yield made


class Controller:
    """A controller with files of its own, which starts runs that go on until they must end."""

    def __init__(self, cluster: Cluster, directory: Path, name: str) -> None:
        self.cluster, self.directory = cluster, directory / name
        self.directory.mkdir()
        self.working = self.directory / "working"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a run."""
        self.working.touch()
        command = self.cluster.command("-e", f"working={self.working}", *arguments, playbook=str(PLAYBOOK))
        return subprocess.Popen(
            command,
            cwd=TOP,
            env={**os.environ, "TMPDIR": str(self.directory)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def refused(self) -> str:
        """Require that a run is refused; return its output."""
        run = self.start()
        output, _errors = run.communicate(timeout=120)
        assert run.returncode != 0 and "Work on the cluster" not in output, output
        return " ".join(output.split())

    def end(self, run: subprocess.Popen[str]) -> str:
        """Let a run end, and require success."""
        self.working.unlink()
        output, _errors = run.communicate(timeout=120)
        assert run.returncode == 0, output
        return output

    def renewers(self) -> list[int]:
        """Return the processes that renew the lock of this controller's runs."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"TMPDIR={self.directory}\0".encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
            except OSError:
                continue
        return found


@pytest.fixture
def one(cluster: Cluster, tmp_path: Path) -> Controller:
    """Return a controller."""
    return Controller(cluster, tmp_path, "one")


@pytest.fixture
def other(cluster: Cluster, tmp_path: Path) -> Controller:
    """Return another one."""
    return Controller(cluster, tmp_path, "other")


def key(cluster: Cluster) -> dict[str, Any]:
    """Return what the key in etcd says; empty if there is none."""
    done = cluster.exec("n2", f"{ETCDCTL} get /hardway/lock --print-value-only")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout or "{}"))


def holder(cluster: Cluster) -> str:
    """Return who holds the key."""
    return str((key(cluster).get("spec") or {}).get("holderIdentity", ""))


@contextmanager
def stopped(cluster: Cluster, host: str, *units: str) -> Iterator[None]:
    """Stop units while the block runs."""
    cluster.exec(host, f"systemctl stop {' '.join(units)}")
    try:
        yield
    finally:
        cluster.exec(host, f"systemctl start {' '.join(units)}")


def test_without_an_api_server_the_key_refuses_another_controller(
    cluster: Cluster, one: Controller, other: Controller
) -> None:
    wait_for(lambda: holder(cluster) == "")
    with stopped(cluster, "n1", "kube-apiserver"):
        run = one.start()
        wait_for(lambda: holder(cluster) != "")
        name = holder(cluster)
        refused = other.refused()
        assert f"locked by {name}, which runs playbook.yml since 20" in refused and f"-e take_over={name}" in refused
        since = key(cluster)["spec"]
    # The API is back while the first run works: one that sees it is refused, and the Lease follows with a renewal.
    wait_for(lambda: cluster.exec("n1", "kubectl --kubeconfig /etc/kubernetes/admin.conf get ns").returncode == 0)
    assert f"locked by {name}" in other.refused()
    lease = "-n kube-system get lease hardway --ignore-not-found -o jsonpath={.spec.holderIdentity}"
    wait_for(lambda: cluster.kubectl("n1", lease) == name)
    spec = key(cluster)["spec"]
    assert spec["renewTime"] > since["renewTime"] and spec["acquireTime"] == since["acquireTime"]
    one.end(run)
    wait_for(lambda: holder(cluster) == "" and cluster.kubectl("n1", lease) == "")
    other.end(other.start())


def test_a_run_that_began_with_the_api_is_not_joined_by_one_without(
    cluster: Cluster, one: Controller, other: Controller
) -> None:
    wait_for(lambda: holder(cluster) == "")
    run = one.start()
    wait_for(lambda: holder(cluster) != "")
    with stopped(cluster, "n1", "kube-apiserver"):
        assert f"locked by {holder(cluster)}" in other.refused()
    one.end(run)


def test_the_key_of_a_lost_controller_expires(cluster: Cluster, one: Controller, other: Controller) -> None:
    wait_for(lambda: holder(cluster) == "")
    with stopped(cluster, "n1", "kube-apiserver"):
        run = one.start()
        wait_for(lambda: holder(cluster) != "")
        lost = holder(cluster)
        # Its own host, and the processes that would release the lock.
        kill(family(run.pid))
        for process in one.renewers():
            os.kill(process, signal.SIGKILL)
        run.communicate()
        # On another host, where the process of the first run cannot be looked for.
        moved = key(cluster)
        moved["spec"]["holderIdentity"] = "alice@lost/4711-1"
        cluster.exec("n2", f"{ETCDCTL} put /hardway/lock '{json.dumps(moved)}'")
        assert lost and "locked by alice@lost/4711-1" in other.refused()
        renewed = time.mktime(time.strptime(moved["spec"]["renewTime"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        wait_for(lambda: time.time() > renewed + 61, 90)
        run = other.start()
        wait_for(lambda: holder(cluster) not in ("", "alice@lost/4711-1"))
        other.end(run)


def test_without_a_quorum_of_etcd_runs_of_one_controller_exclude_each_other(cluster: Cluster, one: Controller) -> None:
    wait_for(lambda: holder(cluster) == "")
    with stopped(cluster, "n2", "etcd"):
        run = one.start("-v")
        wait_for(lambda: any(one.directory.glob("hardway-*/*.run")))
        assert "on this controller; wait until it has ended" in one.refused()
        one.working.touch()
        output = one.end(run)
        assert "locked on this controller only" in output, output
    wait_for(lambda: cluster.exec("n1", "kubectl --kubeconfig /etc/kubernetes/admin.conf get ns").returncode == 0)


def test_a_cluster_that_is_down_and_has_lost_its_binaries_keeps_its_versions(cluster: Cluster) -> None:
    """The inventory names no version, and those of this machine's programs are not the collection's defaults."""
    cluster.forget("cluster_kubernetes_version", "cluster_component_versions")
    before = versions(cluster)
    assert set(before) == {"kubernetes", "etcd", "containerd", "runc", "cni", "flannel", "coredns", "pause"}
    assert all(version[0].isdigit() for version in before.values()), before
    units = "kubelet kube-proxy flanneld kube-apiserver kube-controller-manager kube-scheduler containerd"
    lost = "/opt/hardway /etc/kubernetes/hardway-versions.json"
    cluster.exec("n1", f"systemctl stop {units}; rm -rf {lost}; find /usr/local/bin /opt/cni/bin -type l -delete")
    done = cluster.deploy()
    assert "Copy the binaries to the hosts" in done.changed and versions(cluster) == before
    labels = cluster.exec("n1", "ls /opt/hardway/containerd /opt/hardway/kubernetes").stdout
    assert before["containerd"] in labels and before["kubernetes"] in labels, labels
    assert cluster.deploy().changed == {}


def versions(cluster: Cluster) -> dict[str, str]:
    """Return the recorded versions."""
    return dict(json.loads(cluster.exec("n1", "cat /etc/kubernetes/hardway-cluster.json").stdout)["versions"])
