# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd below a cluster grows, gets a wiped member back and shrinks; a client of the API loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, unharmed
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

CONFIRM = ("-e", "confirm=kubernetes")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster with two masters and one etcd member on three hosts."""
    need_cluster()
    made = Cluster("e2e-members", groups("n1"))
    with made.standing(3):
        made.deploy()
        yield made


def groups(etcd: str) -> list[str]:
    """Return the groups of the inventory."""
    return ["master=n1,n2", "node=n1", f"etcd={etcd}"]


def regroup(cluster: Cluster, etcd: str) -> None:
    """Change group etcd in the inventory."""
    cluster.groups = groups(etcd)
    cluster.write_inventory()


def servers(cluster: Cluster, host: str) -> int:
    """Return how many etcd endpoints an API server has."""
    line = cluster.exec(host, "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID kube-apiserver)/cmdline").stdout
    (flag,) = (word for word in line.splitlines() if word.startswith("--etcd-servers="))
    return len(flag.split(","))


def recorded(cluster: Cluster) -> dict[str, str]:
    """Return the IDs of the etcd members in the cluster record, by name."""
    text = cluster.kubectl("n1", "-n kube-system get configmap hardway-cluster -o jsonpath='{.data.record\\.json}'")
    return {member["name"]: member["id"] for member in json.loads(text)["etcd"]}


def test_one_member_grows_to_three_and_the_api_servers_follow(cluster: Cluster) -> None:
    regroup(cluster, "n1,n2,n3")
    with cluster.polling() as poll:
        cluster.deploy()
    unharmed(poll, "two etcd members are added")
    assert [servers(cluster, host) for host in ("n1", "n2")] == [3, 3]
    assert sorted(recorded(cluster)) == ["n1", "n2", "n3"]
    assert cluster.deploy().changed == {}


def test_a_wiped_member_is_replaced_by_one_command(cluster: Cluster) -> None:
    before = recorded(cluster)
    cluster.exec("n3", "systemctl stop etcd; rm -rf /var/lib/etcd/member; systemctl start --no-block etcd")
    plan = cluster.run("-e", "hosts=n3", playbook="playbooks/replace.yml")
    assert plan.status == 0 and plan.changed == {} and "confirm=kubernetes" in plan.output, plan.output[-3000:]
    check = cluster.run("-e", "hosts=n3", *CONFIRM, "--check", playbook="playbooks/replace.yml")
    assert check.status == 0, check.output[-6000:]
    with cluster.polling() as poll:
        done = cluster.run("-e", "hosts=n3", *CONFIRM, playbook="playbooks/replace.yml")
    assert done.status == 0, done.output[-6000:]
    unharmed(poll, "a wiped etcd member is replaced")
    after = recorded(cluster)
    assert [name for name in sorted(after) if after[name] != before[name]] == ["n3"]
    again = cluster.run("-e", "hosts=n3", *CONFIRM, playbook="playbooks/replace.yml")
    assert again.status == 0 and again.changed == {}, again.changed


def test_three_members_shrink_to_one_after_the_api_servers(cluster: Cluster) -> None:
    arguments = ("-e", "hosts=n2,n3", *CONFIRM)
    refused = cluster.run(*arguments, playbook="playbooks/remove_member.yml")
    assert refused.status != 0 and "used by the API server" in " ".join(refused.output.split()), refused.output[-3000:]
    regroup(cluster, "n1")
    with cluster.polling() as poll:
        cluster.deploy("--tags", "master")
        done = cluster.run(*arguments, playbook="playbooks/remove_member.yml")
        assert done.status == 0, done.output[-6000:]
        cluster.deploy()
    unharmed(poll, "two etcd members are removed")
    assert [servers(cluster, host) for host in ("n1", "n2")] == [1, 1] and list(recorded(cluster)) == ["n1"]
    assert cluster.deploy().changed == {}
