# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts are reset, one and all, whole and half-deployed, beside what belongs to others, and deployed again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.cluster import Cluster, Run
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/reset.yml"
CONFIRM = ("-e", "confirm=kubernetes")
ALL = ("-e", "hosts=all", *CONFIRM)
# Of a run, before the first host is reset.
TASKS = 16
VOLUME = "/var/lib/kubelet/pods/canary/volumes/data"
MOUNTED = "/var/lib/kubelet/mounted"
# A firewall of the operator's own: the cluster's ports, ssh, and nothing else.
FIREWALL = f"""
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -i cni0 -j ACCEPT
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -m comment --comment "ssh of the operator" -j ACCEPT
iptables -A INPUT -p tcp -m multiport --dports 2379,2380,6443,8443,10250 -j ACCEPT
iptables -A INPUT -p udp --dport 8472 -j ACCEPT
iptables -A INPUT -p vrrp -j ACCEPT
iptables -A INPUT -p icmp -j ACCEPT
iptables -P INPUT DROP
iptables -t nat -N OPERATOR
iptables -t nat -A OPERATOR -d 203.0.113.9/32 -j RETURN
nft add table inet operator
nft add chain inet operator kept
nft add rule inet operator kept ip saddr 203.0.113.8 drop
mkdir -p /srv/canary && echo data >/srv/canary/file
mkdir -p {VOLUME} {MOUNTED}
"""
CANARIES = f"""
mkdir -p {VOLUME} && mountpoint -q {VOLUME} || mount --bind /srv/canary {VOLUME}
mkdir -p {MOUNTED}
grep -q {MOUNTED} /etc/fstab || echo 'tmpfs {MOUNTED} tmpfs size=1m 0 0' >>/etc/fstab
mountpoint -q {MOUNTED} || mount {MOUNTED}
echo data >{MOUNTED}/file
"""
OWN = "iptables-save | grep -v -e KUBE -e FLANNEL -e CNI- -e '^#' | sed 's/\\[.*\\]//'; nft list table inet operator"
LEFT = "/etc/etcd /etc/kubernetes /etc/kube-flannel /var/lib/kube-proxy /opt/hardway /var/lib/hardway /run/flannel"
SYSCTLS = "sysctl -e net.ipv4.ip_forward net.ipv4.ip_nonlocal_bind vm.overcommit_memory kernel.panic"
FILES = (
    "find /etc /usr/local /opt /var/lib -xdev -path /var/lib/dpkg -prune -o -path /var/lib/apt -prune -o -print | sort"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of a master and a node, with a firewall of the operator."""
    need_cluster()
    made = Cluster("reset-e2e", ["lb=n1", "node=n1,n2"])
    made.topology = "single-master"
    with made.standing(2):
        for host in made.hosts():
            done = made.exec(host, f"set -e\n{FIREWALL}")
            assert done.returncode == 0, done.stderr
            made.exec(host, f"{SYSCTLS} >/srv/sysctls; ({OWN}) >/srv/rules; ({FILES}) >/srv/files")
        yield made


def reset(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook, and require success."""
    done = cluster.run(*arguments, playbook=PLAYBOOK)
    assert done.status == 0, done.output[-6000:]
    return done


def refusal(cluster: Cluster, *arguments: str) -> str:
    """Run the playbook, which must change nothing and fail; return what it says."""
    done = cluster.run(*arguments, playbook=PLAYBOOK)
    assert done.status != 0 and done.changed == {}, done.output[-3000:]
    return " ".join(done.output.split())


def shell(cluster: Cluster, host: str, command: str) -> str:
    """Return what a command prints on a host, and require success."""
    done = cluster.exec(host, command)
    assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def is_reset(cluster: Cluster, host: str) -> None:
    """Require that nothing of the cluster is left, and that everything of the operator is as it was."""
    assert shell(cluster, host, f"for path in {LEFT}; do test ! -e $path || echo $path; done") == ""
    rules = shell(cluster, host, "iptables-save; ip6tables-save")
    assert not [word for word in ("KUBE", "FLANNEL", "CNI-") if word in rules], rules
    assert shell(cluster, host, f"({OWN}) | diff /srv/rules -") == ""
    assert shell(cluster, host, f"{SYSCTLS} | diff /srv/sysctls -") == ""
    links = shell(cluster, host, "ip -brief link")
    assert not [name for name in ("cni0", "flannel.1", "veth") if name in links], links
    assert shell(cluster, host, "cat /srv/canary/file") == "data"
    active = shell(cluster, host, "systemctl list-units --no-legend 'kube*' 'etcd*' 'hardway*' 'flannel*'")
    assert active == "", active


def deploy_foreign_container(cluster: Cluster, host: str) -> None:
    """Run a container in a namespace of another user of containerd."""
    image = shell(cluster, host, "ctr -n k8s.io images ls -q | grep pause | head -1")
    shell(cluster, host, f"ctr -n k8s.io images export /root/image.tar {image}")
    shell(cluster, host, "ctr -n backup images import /root/image.tar")
    shell(cluster, host, f"ctr -n backup run -d {image} canary")


def foreign_container(cluster: Cluster, host: str) -> str:
    """Return the process of the foreign container, which is running."""
    return shell(cluster, host, "ctr -n backup tasks ls | grep canary.*RUNNING")


def test_half_deployed_hosts_are_reset(cluster: Cluster) -> None:
    for tasks in (25, 45, 60):
        kill_after(cluster, 2, tasks)
        print(f"site.yml was killed in {last_task(cluster)}")
        assert reset(cluster, *ALL).changed == {"Reset the host": 2}
        for host in cluster.hosts():
            is_reset(cluster, host)
        assert reset(cluster, *ALL).changed == {}


def test_a_part_of_the_cluster_is_not_reset(cluster: Cluster) -> None:
    cluster.deploy()
    for host in cluster.hosts():
        shell(cluster, host, f"set -e\n{CANARIES}")
        assert shell(cluster, host, "iptables-save | grep -c KUBE") != "0"
    text = refusal(cluster, "-e", "hosts=n2", *CONFIRM)
    assert "n2: still nodes of the running cluster; drain and delete them first" in text
    assert "hardway.kubernetes.remove_node" in text and "-e hosts=n2 -e confirm=kubernetes" in text
    text = refusal(cluster, "-e", "hosts=n1", *CONFIRM)
    assert "n1: still etcd members of the running cluster" in text and "hardway.kubernetes.remove_member" in text
    assert "n1: all masters, without which the nodes n2 have no cluster" in text
    assert "hosts: not set" in refusal(cluster)
    assert "hosts: n9: no host or group" in refusal(cluster, "-e", "hosts=n9")
    assert "confirm: prod is not the name" in refusal(cluster, "-e", "hosts=all", "-e", "confirm=prod")


def test_a_removed_node_is_reset_and_joins_again(cluster: Cluster, tmp_path: Path) -> None:
    removed = cluster.run("-e", "hosts=n2", *CONFIRM, playbook="playbooks/remove_node.yml")
    assert removed.status == 0, removed.output[-4000:]
    plan = tmp_path / "plan.json"
    shown = reset(cluster, "-e", "hosts=n2", "-e", f"plan_file={plan}")
    assert shown.changed == {} and "-e hosts=n2 -e confirm=kubernetes" in " ".join(shown.output.split())
    steps = json.loads(plan.read_text())["hosts"]["n2"]["changes"]
    assert f"unmount {VOLUME}" in steps and "delete interface cni0" in steps, steps
    checked = reset(cluster, "-e", "hosts=n2", *CONFIRM, "--check", "--diff")
    assert checked.changed == {"Reset the host": 1}
    shell(cluster, "n2", f"cd {VOLUME} && setsid sleep 600 >/dev/null 2>&1 </dev/null & sleep 1")
    busy = cluster.run("-e", "hosts=n2", *CONFIRM, playbook=PLAYBOOK)
    text = " ".join(busy.output.split())
    assert busy.status != 0 and f"{VOLUME}: still mounted, used by process" in text and "(sleep)" in text, text[-3000:]
    shell(cluster, "n2", "pkill -x sleep")
    first = reset(cluster, "-e", "hosts=n2", *CONFIRM)
    assert first.changed == {"Reset the host": 1}
    is_reset(cluster, "n2")
    assert shell(cluster, "n2", f"cat {MOUNTED}/file; mount | grep -c {VOLUME} || true") == "data\n0"
    again = reset(cluster, "-e", "hosts=n2", *CONFIRM)
    assert again.changed == {}, again.changed
    cluster.deploy()
    assert cluster.kubectl("n1", "get nodes -o name").split() == ["node/n1", "node/n2"]
    assert cluster.deploy().changed == {}


def test_all_is_reset_beside_a_container_of_others(cluster: Cluster) -> None:
    shell(cluster, "n2", f"set -e\n{CANARIES}")
    deploy_foreign_container(cluster, "n2")
    before = foreign_container(cluster, "n2")
    for attempt in range(3):
        ended = kill_after(cluster, 1 + 2 * attempt, TASKS, ALL, PLAYBOOK)
        print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")
    done = reset(cluster, *ALL)
    assert "namespace backup has canary" in " ".join(done.output.split()), done.output[-4000:]
    assert foreign_container(cluster, "n2") == before
    assert shell(cluster, "n2", "ctr -n k8s.io containers ls -q; ctr -n k8s.io images ls -q") == ""
    assert shell(cluster, "n1", "ls -d /var/lib/etcd.removed-*/member | wc -l") != "0"
    assert shell(cluster, "n2", f"cat /srv/canary/file {MOUNTED}/file") == "data\ndata"
    assert reset(cluster, *ALL).changed == {}
    shell(cluster, "n2", "ctr -n backup tasks kill -s 9 canary; sleep 1; ctr -n backup containers rm canary")
    shell(cluster, "n2", "ctr -n backup images ls -q | xargs ctr -n backup images rm --sync")
    assert reset(cluster, *ALL).changed == {"Reset the host": 1}
    for host in cluster.hosts():
        is_reset(cluster, host)
    assert reset(cluster, *ALL).changed == {}


def test_a_new_cluster_on_the_same_hosts(cluster: Cluster) -> None:
    cluster.deploy()
    assert cluster.kubectl("n1", "get nodes -o name").split() == ["node/n1", "node/n2"]
    assert cluster.deploy().changed == {}


def test_hosts_are_reset_while_no_api_server_answers(cluster: Cluster) -> None:
    shell(cluster, "n1", "systemctl stop kube-apiserver etcd")
    done = reset(cluster, "-e", "hosts=n2", *CONFIRM)
    text = " ".join(done.output.split())
    assert "No API server answers" in text, text[-3000:]
    is_reset(cluster, "n2")
    refused = refusal(cluster, "-e", "hosts=n1", "-e", "delete_data=true", *CONFIRM)
    assert "no etcd member answers, so the data there may be the last ones" in refused
    reset(cluster, *ALL, "-e", "delete_data=true")
    is_reset(cluster, "n1")
    assert shell(cluster, "n1", "ls -d /var/lib/etcd || true") == ""
    new = shell(cluster, "n1", f"({FILES}) | diff /srv/files - || true")
    print(new)
