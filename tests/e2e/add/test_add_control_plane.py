# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on one host grows to three, each with all that a cluster knows; clients lose nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, unharmed
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/add.yml"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster on one of three hosts."""
    need_cluster()
    made = Cluster("h-add", ["etcd=n1", "master=n1", "lb=n1", "node=n1"])
    with made.standing(3):
        made.deploy()
        yield made


def test_masters_etcd_members_and_load_balancers(cluster: Cluster) -> None:
    cluster.groups = ["etcd=n1,n2,n3", "master=n1,n2,n3", "lb=n1,n2", "node=n1,n2,n3"]
    cluster.write_inventory()
    checked = cluster.run("-e", "hosts=n2,n3", "--check", playbook=PLAYBOOK)
    assert checked.status == 0, checked.output[-5000:]
    with cluster.polling() as poll:
        done = cluster.run("-e", "hosts=n2,n3", playbook=PLAYBOOK)
    assert done.status == 0, done.output[-5000:]
    unharmed(poll, "a cluster grows from one host to three")

    addresses = sorted(re.findall(r"198\.18\.0\.1\d", str(cluster.described()["hosts"])))
    members = cluster.exec("n1", "grep -o -- '--etcd-servers=[^ ]*' /etc/systemd/system/kube-apiserver.service").stdout
    assert sorted(set(re.findall(r"https://([\d.]+):2379", members))) == sorted(set(addresses)), members
    servers = cluster.kubectl("n3", "get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")
    assert sorted(servers.split()) == sorted(set(addresses))
    balanced = cluster.exec("n2", "grep -c '^ *server n' /etc/haproxy/haproxy.cfg").stdout
    assert balanced.strip() == "3"
    assert "joining" not in cluster.kubectl("n1", "get nodes -o jsonpath='{.items[*].spec.taints[*].key}'")

    again = cluster.run("-e", "hosts=n2,n3", playbook=PLAYBOOK)
    assert again.status == 0 and again.changed == {}, again.changed
    assert cluster.deploy().changed == {}
