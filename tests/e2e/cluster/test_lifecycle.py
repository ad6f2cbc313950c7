# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished cluster: run again, change, break, fail over. Each test leaves a healthy cluster to the next."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from dev.standins import binaries
from dev.standins import use as rehearsal
from dev.tools import client_report
from dev.tools.lab import SANDBOX, TOP, kubernetes_version
from tests.support.hosts.cluster import KUBECTL, Cluster, Run, marked_at_first, mispredicted, undisturbed, wait_for

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

# Faults stay until they are removed: there is no use in waiting as long as a deployment may need.
SHORT = json.dumps({"verify_timeout": 10, "verify_workload_timeout": 20})

# Binaries are downloaded and recorded once in a run for all roles.
CACHED = ("files", "host_settings", "image_archive", "kubeconfig", "pki_certificate", "unit")
# What it writes is on the controller.
HERE = ("hardway.kubernetes.admin", "hardway.kubernetes.cluster")


def test_a_check_on_clean_hosts_predicts_the_first_run(cluster: Cluster) -> None:
    """Task by task and by the number of hosts; a check that leaves out one host of many is noticed as well."""
    first = cluster.first.changes
    assert len(first) > 30 and max(first.values()) == len(cluster.hosts())
    assert mispredicted(cluster.checked, cluster.first) == {}
    half = Run(0, "", cluster.checked.tasks[::2])
    assert len(mispredicted(half, cluster.first)) > len(first) // 3


def of_hosts(run: Run) -> list[dict[str, Any]]:
    """Return the tasks that compare hosts with the inventory."""
    return [task for task in run.tasks if task["module"].rpartition(".")[2] in CACHED and task["role"] not in HERE]


def test_the_second_run_changes_nothing_and_restarts_nothing(cluster: Cluster) -> None:
    before = cluster.starts()
    # What tests before this one have touched is inspected once more.
    assert cluster.deploy().changed == {}
    second = cluster.deploy()
    assert second.changed == {}
    assert cluster.starts() == before
    # The run before has marked the hosts, so this one leaves them alone.
    assert of_hosts(second) == [], [task["name"] for task in of_hosts(second)]
    # Without the marks, each task has a cached result, so only a few things are inspected.
    cluster.visit()
    third = cluster.deploy()
    cached = of_hosts(third)
    assert len(cached) > 25 and [task["name"] for task in cached if task["cached"] < task["results"]] == []
    assert third.changed == {} and cluster.starts() == before
    marked_at_first(cluster)


def test_check_mode_on_a_finished_cluster_reports_nothing(cluster: Cluster) -> None:
    assert cluster.deploy("--check", "--diff").changed == {}


# An option of an API server and of each of a node's units that restarts it, without further effect.
CHANGES = {
    "kube-apiserver": {"master_apiserver_args": {"max-requests-inflight": 500}},
    "containerd": {"containerd_config": {"debug": {"level": "info"}}},
    "kubelet": {"node_kubelet_config": {"maxPods": 100}},
    "kube-proxy": {"node_kube_proxy_config": {"configSyncPeriod": "14m"}},
    "flanneld": {"flannel_args": {"v": 0}},
}
# These restart with their API server.
RESTARTED = (*CHANGES, "kube-controller-manager", "kube-scheduler")


def test_changed_options_restart_only_what_depends_on_them_one_host_after_the_other(cluster: Cluster) -> None:
    before = cluster.starts()
    for each in CHANGES.values():
        cluster.settings.update(each)
    with cluster.polling() as poll:
        cluster.deploy()
    after = cluster.starts()
    undisturbed(poll, "three API servers and three nodes restarted one after the other", 3)
    assert {name for name in after if after[name] != before[name]} == {
        f"{host} {unit}" for host in cluster.hosts() for unit in RESTARTED
    }
    for unit in RESTARTED:
        assert cluster.took_turns(unit), unit


def test_a_deleted_node_and_a_lost_network_configuration_come_back_in_one_run(cluster: Cluster) -> None:
    """The node gets another pod range, so its old pods must be replaced."""
    master = cluster.hosts()[0]
    pods = json.loads(cluster.kubectl(master, "-n kube-system get pods -l k8s-app=kube-dns -o json"))["items"]
    one = pods[0]["spec"]["nodeName"]
    other = next(host for host in cluster.hosts() if host != one)
    cluster.kubectl(master, f"delete node {one}")
    assert cluster.exec(other, "rm /etc/cni/net.d/*").returncode == 0
    # The run verifies nodes, pods and the path to them at its end.
    changed = cluster.deploy().changed
    assert changed
    labels = json.loads(cluster.kubectl(one, f"get node {one} -o json"))["metadata"]["labels"]
    assert "node-role.kubernetes.io/control-plane" in labels
    assert cluster.exec(other, "test -s /etc/cni/net.d/10-flannel.conflist").returncode == 0
    assert cluster.deploy().changed == {}


def test_the_virtual_address_moves_when_its_haproxy_stops(cluster: Cluster) -> None:
    holder = cluster.holder()
    assert holder
    with cluster.polling() as poll:
        assert cluster.exec(holder, "systemctl stop haproxy").returncode == 0
        wait_for(lambda: cluster.holder() not in ("", holder))
        time.sleep(2)
    client_report.record("haproxy stopped on the holder of the virtual address", vars(poll))
    # Three times what it takes on two idle processors; the address moves after three failed checks, a second apart.
    assert 0 < poll.outage < 10, poll
    assert cluster.exec(holder, "systemctl start haproxy").returncode == 0


def test_the_virtual_address_survives_the_death_of_its_holder(cluster: Cluster) -> None:
    holder = cluster.holder()
    with cluster.polling() as poll:
        cluster.sandbox("poweroff", holder)
        wait_for(lambda: cluster.holder() not in ("", holder))
        time.sleep(8)
    client_report.record("power of the holder of the virtual address cut", vars(poll))
    # As above; here the others wait for three of its advertisements before one of them takes over.
    assert 0 < poll.outage < 12, poll
    cluster.sandbox("poweron", holder)
    wait_for(lambda: cluster.exec(holder, "systemctl is-active kube-apiserver").stdout.strip() == "active")


def test_a_kubectl_of_another_version_works_through_the_virtual_address(cluster: Cluster) -> None:
    other = binaries.READY / "debian" / "kubectl"
    if not other.is_file():
        pytest.skip(f"{other} is missing; dev/sandbox/sandbox binaries brings it")
    kubeconfig = cluster.pki / "admin.kubeconfig"
    line = [str(SANDBOX), "run", "--name", cluster.name, "--", str(other), "--kubeconfig", str(kubeconfig)]
    done = subprocess.run([*line, "version", "-o", "json"], cwd=TOP, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert answer["clientVersion"]["gitVersion"] != answer["serverVersion"]["gitVersion"]


# test_verify_faults has each of these faults, and more.
@pytest.mark.long
def test_verify_names_everything_that_is_broken_at_once(cluster: Cluster) -> None:
    first, second, third = cluster.hosts()
    cluster.exec(first, "systemctl stop kube-scheduler kubelet")
    cluster.exec(second, "systemctl stop kube-apiserver")
    cluster.exec(third, "systemctl stop haproxy keepalived")
    # The controller manager takes its time to notice that a kubelet is unresponsive.
    ready = f"{KUBECTL} get node {first} --output jsonpath='{{.status.conditions[?(@.type==\"Ready\")].status}}'"
    wait_for(lambda: cluster.exec(third, ready).stdout == "Unknown", 90)
    done = cluster.run("-e", SHORT, playbook="playbooks/verify.yml")
    assert done.status != 0
    balancer = (f"haproxy on {third}: it is inactive", f"keepalived on {third}: it is inactive")
    for culprit in ("kube-scheduler", f"node {first}", f"{second}", *balancer):
        assert culprit in done.output
    # The next run starts it all again, and does nothing else.
    balancing = {"Run haproxy": 1, "Run keepalived": 1}
    assert cluster.deploy().changed == {"Run the control plane": 2, "Run kubelet and kube-proxy": 1, **balancing}


@pytest.mark.long
def test_verify_checks_the_other_hosts_when_the_first_master_is_dead(cluster: Cluster) -> None:
    first, second = cluster.hosts()[:2]
    cluster.sandbox("poweroff", first)
    try:
        cluster.exec(second, "systemctl stop kube-scheduler")
        done = cluster.run("-e", SHORT, playbook="playbooks/verify.yml")
        limited = cluster.run("-e", SHORT, "--limit", f"!{first}", playbook="playbooks/verify.yml")
    finally:
        cluster.sandbox("poweron", first)
        cluster.exec(second, "systemctl start kube-scheduler")
    # ssh reports that the host is not there; the API and etcd report what ran on it.
    address = cluster.described()["hosts"][first]["ansible_host"]
    lines_of_others = (f"kube-scheduler on {second}", f"apiserver https://{address}:6443", f"etcd {first} (")
    for run, lines in ((done, (f"host {first}: not reached", *lines_of_others)), (limited, lines_of_others)):
        assert run.status != 0
        for line in lines:
            assert line in run.output, run.output[-6000:]
    assert f"host {first}: not reached" not in limited.output
    wait_for(lambda: cluster.exec(first, "systemctl is-active kube-apiserver").stdout.strip() == "active")
    ready = f"{KUBECTL} wait node {first} --for condition=Ready --timeout 60s"
    assert cluster.exec(second, ready).returncode == 0


@pytest.mark.long
def test_verify_names_pods_that_are_cut_off_and_a_dns_without_answers(cluster: Cluster) -> None:
    """Everything is running and Ready, and yet pods of one host are cut off, and DNS does not answer."""
    if rehearsal.replaced(kubernetes_version()):
        pytest.skip("stand-ins start no pods and move no packets")
    first, second, third = cluster.hosts()
    assert cluster.exec(second, "ip link set flannel.1 down").returncode == 0
    cluster.kubectl(first, "--namespace kube-system scale deployment coredns --replicas 0")
    try:
        done = cluster.run("-e", SHORT, playbook="playbooks/verify.yml")
    finally:
        cluster.exec(second, "systemctl restart flanneld")
    assert done.status != 0
    for here, there in ((first, second), (second, first), (third, second), (second, third)):
        assert f"from pod on {here}: pod on {there} does not answer" in done.output, done.output[-3000:]
    assert f"from pod on {first}: pod on {third} does not answer" not in done.output
    assert f"from pod on {first}: dns kubernetes.default.svc.cluster.local does not answer" in done.output
    assert "dns: there are no pods labelled k8s-app=kube-dns; deploy CoreDNS with role addons" in done.output
    # It verifies, too.
    cluster.deploy()
