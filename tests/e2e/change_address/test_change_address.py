# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with all roles gets another address, one run after killed ones; clients lose nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.support.hosts.cluster import Cluster, Run, unharmed
from tests.support.hosts.killed_run import kill_at, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/change_address.yml"
NAMED = ("-e", "hosts=n2")
CONFIRM = ("-e", "confirm=kubernetes")
NEW = "198.18.0.52"
ETCDCTL = (
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt "
    "--cert /etc/etcd/pki/healthcheck-client.crt --key /etc/etcd/pki/healthcheck-client.key"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster on three hosts with all roles."""
    need_cluster()
    made = Cluster("h-address", [f"{group}=n1,n2,n3" for group in ("etcd", "master", "lb", "node")])
    with made.standing(3):
        made.deploy()
        yield made


def change(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def text(run: Run) -> str:
    """Return what a run printed, in one line."""
    return " ".join(run.output.replace('"', "").split())


def settings(cluster: Cluster, **variables: str) -> None:
    """Set variables of n2 in the inventory."""
    path = cluster.inventory / "host_vars" / "n2.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(variables), encoding="utf-8")


def shell(cluster: Cluster, host: str, command: str) -> str:
    """Return what a command prints, and require success."""
    done = cluster.exec(host, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def moved(cluster: Cluster, old: str) -> None:
    """Require that everything of n2 is at the new address, and nothing at the former one."""
    listed = json.loads(shell(cluster, "n1", f"{ETCDCTL} member list -w json"))["members"]
    (member,) = (one for one in listed if one["name"] == "n2")
    assert member["peerURLs"] == [f"https://{NEW}:2380"] and member["clientURLs"] == [f"https://{NEW}:2379"]
    assert len(listed) == 3 and not any(one.get("isLearner") for one in listed)
    healthy = shell(cluster, "n1", f"{ETCDCTL} endpoint health --cluster 2>&1")
    assert healthy.count("is healthy") == 3, healthy
    address = '{.status.addresses[?(@.type=="InternalIP")].address}'
    assert cluster.kubectl("n1", f"get node n2 -o jsonpath='{address}'") == NEW
    servers = cluster.kubectl("n1", "get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'").split()
    assert len(servers) == 3 and NEW in servers and old not in servers
    for host in cluster.hosts():
        files = (
            "/etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf /etc/systemd/system/*.service /etc/etcd/*.json"
        )
        assert cluster.exec(host, f"grep -lwF {old} {files}").stdout == ""
    assert shell(cluster, "n2", f"ss -Htln src {old}") == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "hosts: not set"),
        (("-e", "hosts=n7"), "hosts: n7: no host or group"),
        (("-e", "hosts=n1,n2"), "2 hosts; name one at a time"),
        ((*NAMED, "-e", "confirm=other"), "confirm: other is not the name of this cluster"),
    ],
)
def test_bad_input_is_refused_before_any_host_is_contacted(
    cluster: Cluster, arguments: tuple[str, ...], words: str
) -> None:
    done = change(cluster, *arguments)
    assert done.status != 0 and words in text(done), done.output[-3000:]
    assert "Inspect the hosts" not in done.output


def test_a_new_address_that_is_missing_or_taken_is_refused(cluster: Cluster) -> None:
    settings(cluster, cluster_node_ip=NEW)
    done = change(cluster, *NAMED, *CONFIRM)
    assert done.status != 0 and done.changed == {}
    assert f"n2: no interface has {NEW}; add it to the host" in text(done), done.output[-3000:]
    settings(cluster, cluster_node_ip=str(cluster.described()["hosts"]["n3"]["ansible_host"]))
    done = change(cluster, *NAMED, *CONFIRM)
    assert done.status != 0 and "is also that of host" in text(done), done.output[-3000:]


def test_clients_go_on_while_a_host_moves(cluster: Cluster) -> None:
    old = str(cluster.described()["hosts"]["n2"]["ansible_host"])
    settings(cluster, cluster_node_ip=NEW)
    shell(cluster, "n2", f"ip address add {NEW}/24 dev eth0")
    refused = cluster.run()
    assert refused.status != 0 and refused.changed == {}, refused.output[-3000:]
    assert f"n2 runs with {old}, the inventory asks for {NEW}; run change_address with -e hosts=n2" in text(refused)
    plan = change(cluster, *NAMED)
    assert plan.status == 0 and plan.changed == {}, plan.output[-5000:]
    assert f"n2: {old} becomes {NEW}" in text(plan) and "-e confirm=kubernetes" in text(plan)
    checked = change(cluster, *NAMED, *CONFIRM, "--check")
    assert checked.status == 0 and checked.changed != {}, checked.output[-5000:]

    before = cluster.starts()
    with cluster.polling() as poll:
        for task in ("Update the peer URL of the member", "Run the control plane", "Run haproxy"):
            ended = kill_at(cluster, task, (*NAMED, *CONFIRM), PLAYBOOK)
            print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
            assert not ended
        half = cluster.run()
        assert half.status != 0 and "run change_address with -e hosts=n2" in text(half), half.output[-3000:]
        done = change(cluster, *NAMED, *CONFIRM)
        assert done.status == 0, done.output[-6000:]
        print(done.changed)
    print(poll)
    assert f"Remove {old} from the host" in text(done), done.output[-3000:]
    moved(cluster, old)
    after = cluster.starts()
    assert {unit for unit in before if before[unit] != after[unit] and unit.split()[1] in ("etcd", "kubelet")} == {
        "n2 etcd",
        "n2 kubelet",
    }
    unharmed(poll, "a host with all roles gets another address")
    again = change(cluster, *NAMED, *CONFIRM)
    assert again.status == 0 and again.changed == {}, again.changed


def test_the_former_address_is_removed(cluster: Cluster) -> None:
    old = str(cluster.described()["hosts"]["n2"]["ansible_host"])
    settings(cluster, ansible_host=NEW)
    assert cluster.deploy().changed == {}
    with cluster.polling() as poll:
        route = shell(cluster, "n2", "ip route show default")
        # Otherwise the kernel would remove all addresses of the network with the first one, and the default route.
        shell(cluster, "n2", "sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1")
        shell(cluster, "n2", f"ip address del {old}/24 dev eth0 && ip route replace {route}")
        before = cluster.starts()
        changed = cluster.deploy().changed
        assert set(changed) <= {"Ensure the etcd certificates"}, changed
        assert cluster.starts() == before
        assert cluster.deploy().changed == {}
    print(poll)
    verified = cluster.run(playbook="playbooks/verify.yml")
    assert verified.status == 0, verified.output[-6000:]
    moved(cluster, old)
    names = shell(cluster, "n2", "openssl x509 -in /etc/etcd/pki/peer.crt -noout -ext subjectAltName")
    assert NEW in names and old not in names
    unharmed(poll, "the former address of a host is removed")
