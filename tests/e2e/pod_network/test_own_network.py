# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose pod network the operator installs: awaited, then used, without kube-proxy, and reset."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, Run, deploy_twice_and_verify, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

CONFLIST = "/etc/cni/net.d/10-own.conflist"
READY = "get nodes -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a clean host for everything."""
    need_cluster()
    made = Cluster("e2e-network", ["node=n1"])
    made.topology, made.settings = "single-master", {"cluster_cni": "none"}
    with made.standing(1):
        yield made


def words(run: Run) -> str:
    """Return the output in one line."""
    return " ".join(run.output.split())


def status(cluster: Cluster) -> str:
    """Return what the playbook status prints; nothing critical may be in it."""
    done = cluster.run(playbook="playbooks/status.yml")
    assert done.status == 0, done.output[-4000:]
    return words(done)


def test_everything_but_the_network_is_deployed_and_verified(cluster: Cluster) -> None:
    deploy_twice_and_verify(cluster)
    assert cluster.kubectl("n1", READY) == "False"
    assert "Pod network: AWAITED on n1" in words(cluster.first)
    there = (
        "ls /etc/systemd/system/flanneld.service /usr/local/bin/flanneld /etc/kube-flannel /etc/kubernetes/flannel.conf"
    )
    assert cluster.exec("n1", f"{there} 2> /dev/null").stdout == ""
    rules = "get clusterroles,clusterrolebindings,validatingadmissionpolicies -o name"
    assert "flannel" not in cluster.kubectl("n1", rules)


def test_status_says_what_is_awaited(cluster: Cluster) -> None:
    said = status(cluster)
    assert "pod network: awaited on n1, so no pod runs there" in said
    assert "installed by you (cluster_cni is none)" in said


def test_a_running_cluster_keeps_its_choice(cluster: Cluster) -> None:
    before = cluster.starts()
    done = cluster.run("-e", "cluster_cni=flannel")
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    assert "cluster_cni: the cluster runs with none, the inventory asks for flannel; it cannot be changed" in words(
        done
    )
    assert cluster.starts() == before


def test_an_installed_network_is_tested_and_left_alone(cluster: Cluster) -> None:
    subnet = cluster.kubectl("n1", "get node n1 -o jsonpath={.spec.podCIDR}")
    ipam = {"type": "host-local", "ranges": [[{"subnet": subnet}]]}
    bridge = {"type": "bridge", "bridge": "cni0", "isDefaultGateway": True, "hairpinMode": True, "ipam": ipam}
    config = {"cniVersion": "1.0.0", "name": "own", "plugins": [bridge]}
    cluster.exec("n1", f"mkdir -p /etc/cni/net.d; echo '{json.dumps(config)}' > {CONFLIST}")
    wait_for(lambda: cluster.kubectl("n1", READY) == "True")
    verified = cluster.run(playbook="playbooks/verify.yml")
    assert verified.status == 0, verified.output[-4000:]
    assert "AWAITED" not in verified.output and "DNS works on every node, no problems" in words(verified)
    assert cluster.deploy().changed == {}
    cluster.visit()
    assert cluster.deploy().changed == {}
    assert "nodes have one" in status(cluster)


def test_kube_proxy_is_removed_and_comes_back(cluster: Cluster) -> None:
    traces = "ls -d /etc/systemd/system/kube-proxy.service /var/lib/kube-proxy /etc/kubernetes/pki/kube-proxy.crt"
    cluster.settings["node_kube_proxy_mode"] = "none"
    checked, first = cluster.deploy("--check"), cluster.deploy()
    assert first.changed["Remove kube-proxy"] == checked.changed["Remove kube-proxy"] == 1
    assert cluster.exec("n1", f"{traces} 2> /dev/null; systemctl is-active kube-proxy").stdout.split() == ["inactive"]
    cluster.visit()
    assert cluster.deploy().changed == {}
    del cluster.settings["node_kube_proxy_mode"]
    cluster.deploy()
    assert len(cluster.exec("n1", f"{traces} && systemctl is-active kube-proxy").stdout.split()) == 4
    assert cluster.deploy().changed == {}


def test_a_reset_leaves_the_operator_s_network(cluster: Cluster) -> None:
    done = cluster.run("-e", "hosts=all", "-e", "confirm=kubernetes", playbook="playbooks/reset.yml")
    assert done.status == 0, done.output[-4000:]
    assert "The pod network was installed by you" in words(done)
    left = cluster.exec("n1", f"ls {CONFLIST}; ip -brief link show cni0; ls -d /etc/kubernetes /var/lib/kubelet/pki")
    assert (
        CONFLIST in left.stdout and "cni0" in left.stdout and "/etc/kubernetes" not in left.stdout.replace(CONFLIST, "")
    )
