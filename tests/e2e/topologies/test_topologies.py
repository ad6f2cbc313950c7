# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topologies of docs/topologies.md that the molecule scenarios leave out, through the same site.yml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import KUBECTL, UNITS, Cluster, deploy_twice_and_verify, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

ENDPOINT = "api.cluster.test:8443"
# What each group runs, and nothing else.
RUNS = {
    "etcd": {"etcd"},
    "master": {"kube-apiserver", "kube-controller-manager", "kube-scheduler"},
    "lb": {"haproxy", "keepalived"},
    "node": {"containerd", "kubelet", "kube-proxy", "flanneld"},
    "balancer": {"haproxy"},
}
TOPOLOGIES = {
    # A name and a port that are not the masters', served by a host outside the playbook.
    "external-endpoint": ["etcd=n1", "master=n1,n2", "lb=", "node=n3", "balancer=n4"],
    "etcd-apart": ["etcd=n1,n2,n3", "master=n4,n5", "lb=n4,n5", "node=n6"],
    "lb-apart": ["etcd=n1,n2,n3", "master=n1,n2,n3", "lb=n4,n5", "node=n6,n7"],
}


@pytest.fixture(params=TOPOLOGIES)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Return clean hosts with the inventory of one topology."""
    need_cluster()
    groups = TOPOLOGIES[request.param]
    made = Cluster(request.param, groups)
    with made.standing(max(int(host[1:]) for group in groups for host in group.partition("=")[2].split(",") if host)):
        if balancers := members(made, "balancer"):
            balance(made, balancers[0])
        yield made


def members(cluster: Cluster, group: str) -> list[str]:
    """Return the hosts of a group."""
    return list((cluster.described()["children"].get(group) or {}).get("hosts") or {})


def balance(cluster: Cluster, host: str) -> None:
    """Run a load balancer as its owner would, and let every host resolve the name."""
    addresses = {name: facts["ansible_host"] for name, facts in cluster.described()["hosts"].items()}
    template = Path(__file__).with_name("haproxy.cfg").read_text(encoding="utf-8")
    servers = [f"    server {name} {addresses[name]}:6443" for name in members(cluster, "master")]
    setup = f"cat > /etc/haproxy/haproxy.cfg <<'END'\n{template}" + "\n".join(servers) + "\nEND\n"
    for name, command in [
        (host, f"{setup}systemctl restart haproxy"),
        *((name, f"echo {addresses[host]} {ENDPOINT.partition(':')[0]} >> /etc/hosts") for name in addresses),
    ]:
        done = cluster.exec(name, command)
        assert done.returncode == 0, done.stderr
    settings = cluster.inventory / "group_vars" / "all" / "endpoint.yml"
    settings.write_text(json.dumps({"cluster_api_endpoint": ENDPOINT}), encoding="utf-8")


def test_a_topology_is_checked_deployed_left_alone_and_verified(cluster: Cluster) -> None:
    deploy_twice_and_verify(cluster)

    master = members(cluster, "master")[0]
    nodes = cluster.kubectl(master, "get nodes -o name").split()
    assert nodes == [f"node/{name}" for name in members(cluster, "node")]
    for host in cluster.hosts():
        wanted = set().union(*(units for group, units in RUNS.items() if host in members(cluster, group)))
        active = cluster.exec(host, f"systemctl is-active {' '.join(UNITS)}").stdout.split()
        assert {unit for unit, state in zip(UNITS, active) if state == "active"} == wanted, host

    # Clients connect to the address of all masters, also when one is down.
    url = f"https://{ENDPOINT if members(cluster, 'balancer') else cluster.virtual_address() + ':6443'}"
    assert cluster.exec(master, "systemctl stop kube-apiserver").returncode == 0
    other = members(cluster, "master")[1]
    wait_for(lambda: cluster.exec(other, f"{KUBECTL} --server {url} get nodes").returncode == 0)
    assert cluster.deploy().changed, "the next run starts it again"
