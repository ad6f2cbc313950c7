# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on hosts with a firewall, whose rules follow the inventory until the hosts are reset."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster
from tests.support.hosts.reset import ALL, CONFIRM, PLAYBOOK, shell, words
from tests.support.hosts.traffic import NFTABLES
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]
GROUPS = ["etcd=n1", "master=n1", "lb=n1"]
FORWARD = "table inet filter { chain forward { type filter hook forward priority filter; policy drop; }; }"
START = f"printf '%s' '{NFTABLES}{FORWARD}' >/etc/nftables.conf; systemctl enable -q --now nftables"
CAS = "Ensure the CAs, the service account key and the shared secrets"
OWN = "nft -s list table inet filter"
PORTS = "nft list chain inet filter hardway-kubernetes"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return hosts that let nothing in but ssh; the last one is in no group yet."""
    need_cluster()
    made = Cluster("h-fw", [*GROUPS, "node=n1,n2"])
    with made.standing(3):
        for host in ("n1", "n2", "n3"):
            shell(made, host, START)
        yield made


def test_rules_follow_the_inventory(cluster: Cluster) -> None:
    former = {host: shell(cluster, host, OWN) for host in ("n1", "n2", "n3")}
    refused = cluster.run()
    # CAs are on the controller.
    assert refused.status != 0 and list(refused.changed) in ([], [CAS]), refused.output[-3000:]
    assert "host n1: nftables chain inet filter input: is on and does not let in 6443/tcp from node and pods" in words(
        refused
    )
    assert "host n2: nftables chain inet filter input: is on and does not let in 10250/tcp from master" in words(
        refused
    )
    cluster.settings = {"host_firewall": "open"}
    cluster.deploy()
    assert cluster.kubectl("n1", "get nodes -o name").split() == ["node/n1", "node/n2"]
    # Hosts are left alone only while their firewalls are as they should be.
    assert cluster.deploy().changed == {}
    cluster.visit()
    assert cluster.deploy().changed == {}
    shell(cluster, "n1", "nft flush chain inet filter hardway-kubernetes")
    assert list(cluster.deploy().changed) == ["Open the ports of the cluster in the host's firewall"]
    reach = "timeout 2 sh -c 'nc -z -w 1 {0} {1}' && echo open || echo closed"
    address = {host: shell(cluster, host, "hostname -I").split()[0] for host in ("n1", "n2", "n3")}
    assert shell(cluster, "n2", reach.format(address["n1"], 6443)) == "open"
    assert shell(cluster, "n2", reach.format(address["n1"], 2379)) == "closed"
    assert shell(cluster, "n3", reach.format(address["n1"], 6443)) == "closed"
    # A new node is let in by the others, which are not deployed.
    cluster.groups = [*GROUPS, "node=n1,n2,n3"]
    cluster.write_inventory()
    added = cluster.run("-e", "hosts=n3", playbook="playbooks/add.yml")
    assert added.status == 0, added.failure
    assert all(address["n3"] in shell(cluster, host, PORTS) for host in ("n1", "n2"))
    removed = cluster.run("-e", "hosts=n3", *CONFIRM, playbook="playbooks/remove_node.yml")
    assert removed.status == 0, removed.failure
    assert not any(address["n3"] in shell(cluster, host, PORTS) for host in ("n1", "n2"))
    done = cluster.run(*ALL, playbook=PLAYBOOK)
    assert done.status == 0, done.failure
    assert {host: shell(cluster, host, OWN) for host in former} == former
