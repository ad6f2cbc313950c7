# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that are reset, on hosts that also have what belongs to an operator and to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.hosts.cluster import Cluster, Run

PLAYBOOK = "playbooks/reset.yml"
CONFIRM = ("-e", "confirm=kubernetes")
ALL = ("-e", "hosts=all", *CONFIRM)
# Of a run, before the first host is reset.
TASKS = 16
VOLUME = "/var/lib/kubelet/pods/canary/volumes/data"
MOUNTED = "/var/lib/kubelet/mounted"
SWAP = "UUID=2 none swap sw 0 0"
# A firewall of the operator's own: the cluster's ports, ssh, and nothing else.
OPERATOR = f"""
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
echo '{SWAP}' >>/etc/fstab
"""
# A volume of the operator's own below the kubelet's directory, and one that /etc/fstab mounts there.
CANARIES = f"""
mkdir -p {VOLUME} {MOUNTED}
mountpoint -q {VOLUME} || mount --bind /srv/canary {VOLUME}
grep -q {MOUNTED} /etc/fstab || echo 'tmpfs {MOUNTED} tmpfs size=1m 0 0' >>/etc/fstab
mountpoint -q {MOUNTED} || mount {MOUNTED}
echo data >{MOUNTED}/file
"""
# Without the empty chains of tables that are created once they are needed.
OWN = "iptables-save | grep -e ^-A -e ^: | grep -v -e KUBE -e FLANNEL -e CNI- -e '^:[A-Z]* ACCEPT'"
RULES = f"{OWN} | sed 's/ [[].*//' | sort; nft list table inet operator"
# Those that a host has for itself: vm.* and kernel.* are the machine's, where other sandboxes may set them meanwhile.
SYSCTLS = "sysctl -e net.ipv4.ip_forward net.ipv4.ip_nonlocal_bind"
LEFT = (
    *("/etc/etcd", "/etc/kubernetes", "/etc/kube-flannel", "/var/lib/kube-proxy", "/opt/hardway", "/var/lib/hardway"),
    *("/run/flannel", "/etc/containerd", "/run/containerd", "/etc/cni", "/opt/cni", "/var/lib/cni", "/var/log/pods"),
    *(
        "/var/lib/containerd/io*",
        "/var/lib/kubelet/config.yaml",
        "/usr/local/bin/*",
        "/usr/local/libexec",
        "/run/netns/cni-*",
    ),
)


@contextmanager
def reset_cluster(name: str, hosts: int, groups: list[str]) -> Iterator[Cluster]:
    """Return hosts for a cluster, whose operator has a firewall there."""
    made = Cluster(name, groups)
    made.topology = "single-master"
    with made.standing(hosts):
        for host in made.hosts():
            shell(made, host, f"set -e\n{OPERATOR}")
            shell(made, host, f"{SYSCTLS} >/srv/sysctls; ({RULES}) >/srv/rules")
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
    return words(done)


def words(done: Run) -> str:
    """Return the output of a run without its line breaks."""
    return " ".join(done.output.split())


def shell(cluster: Cluster, host: str, command: str) -> str:
    """Return what a command prints on a host, and require success."""
    done = cluster.exec(host, command)
    assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def is_reset(cluster: Cluster, host: str) -> None:
    """Require that nothing of the cluster is left, and that everything of the operator is as it was."""
    assert shell(cluster, host, f"ls -d {' '.join(LEFT)} 2>/dev/null || true") == ""
    rules = shell(cluster, host, "iptables-save; ip6tables-save")
    assert not [word for word in ("KUBE", "FLANNEL", "CNI-") if word in rules], rules
    assert shell(cluster, host, f"({RULES}) | diff /srv/rules - || true") == ""
    assert shell(cluster, host, f"{SYSCTLS} | diff /srv/sysctls - || true") == ""
    assert shell(cluster, host, f"grep -c '^{SWAP}' /etc/fstab") == "1"
    links = shell(cluster, host, "ip -brief link")
    assert not [name for name in ("cni0", "flannel.1", "veth") if name in links], links
    assert shell(cluster, host, "cat /srv/canary/file") == "data"
    active = shell(
        cluster, host, "systemctl list-units --no-legend 'kube*' 'etcd*' 'hardway*' 'flannel*' 'containerd*'"
    )
    assert active == "", active


def deploy_foreign_container(cluster: Cluster, host: str) -> str:
    """Run a container in a namespace of another user of containerd, and return it."""
    image = shell(cluster, host, "ctr -n k8s.io images ls -q | grep pause | head -1")
    shell(cluster, host, f"ctr -n k8s.io images export /root/image.tar {image}")
    shell(cluster, host, "ctr -n backup images import /root/image.tar")
    shell(cluster, host, f"ctr -n backup run -d {image} canary")
    return foreign_container(cluster, host)


def foreign_container(cluster: Cluster, host: str) -> str:
    """Return the line of the foreign container, which must be running."""
    return shell(cluster, host, "ctr -n backup tasks ls | grep canary.*RUNNING")


def remove_foreign_container(cluster: Cluster, host: str) -> None:
    """End the foreign container, and remove its image."""
    shell(cluster, host, "ctr -n backup tasks kill -s 9 canary; sleep 1; ctr -n backup containers rm canary")
    shell(cluster, host, "ctr -n backup images ls -q | xargs ctr -n backup images rm --sync")
