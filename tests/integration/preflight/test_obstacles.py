# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of a real host are reported by one run of site.yml, all at once, before the first change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import REPOSITORY, SANDBOX

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]
SERVE = "/usr/bin/python3 -m http.server --directory /var/empty"
UNIT = f"[Service]\\nExecStart={SERVE} 8081\\n"
# What is done to the host, and what the run must report.
PLANTED = {
    "a foreign etcd": (
        f"systemd-run -q --unit=other-etcd {SERVE} 2379",
        r'port 2379: in use by "python3" \(pid \d+, unit other-etcd.service\) that is not ours, and etcd needs it',
    ),
    "a kubelet's port": (
        f"systemd-run -q --unit=other-kubelet {SERVE} --bind 127.0.0.1 10248",
        r"port 10248: in use by .* and kubelet needs it; stop it or take the host out of group node",
    ),
    "kubeadm's drop-in": (
        "d=/usr/lib/systemd/system/kubelet.service.d; mkdir -p $d; "
        r"printf '[Service]\nExecStart=\nExecStart=/usr/bin/kubelet\n' >$d/10-kubeadm.conf",
        r"unit kubelet: /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf replaces its ExecStart",
    ),
    "docker's containerd": (
        f"printf '{UNIT}' >/usr/lib/systemd/system/containerd.service; systemctl daemon-reload; "
        "systemctl start containerd",
        r"unit containerd: runs from /usr/lib/systemd/system/containerd.service, which is not ours; remove its package",
    ),
    "calico": (
        "mkdir -p /etc/cni/net.d; echo '{}' >/etc/cni/net.d/10-calico.conflist",
        r"/etc/cni/net.d/10-calico.conflist: sorts before our 10-flannel.conflist, so pods get that network; remove it",
    ),
    "static pods": (
        "mkdir -p /etc/kubernetes/manifests; touch /etc/kubernetes/manifests/etcd.yaml",
        r"/etc/kubernetes/manifests/etcd.yaml: static pods of another cluster; run kubeadm reset",
    ),
    "old data": (
        "mkdir -p /var/lib/etcd/member",
        r"/var/lib/etcd/member: is data of an etcd that is not ours; move it",
    ),
    "an old bridge": (
        "ip link add cni0 type bridge; ip addr add 10.42.0.1/24 dev cni0; ip link set cni0 up",
        r"interface cni0: has 10.42.0.1 of an earlier cluster, outside of cluster_pod_cidr",
    ),
    "a VPN": (
        "ip link add tun0 type bridge; ip addr add 10.244.7.1/24 dev tun0; ip link set tun0 up",
        r"cluster_pod_cidr 10.244.0.0/16: overlaps the route 10.244.7.0/24 \(tun0\)",
    ),
    "a local resolver": (
        "echo nameserver 127.0.0.1 >/etc/resolv.conf",
        r"/etc/resolv.conf: names only 127.0.0.1, in a pod CoreDNS itself; name servers there",
    ),
    "noexec": (
        "mount -t tmpfs -o noexec tmpfs /opt",
        r"/opt/hardway: is mounted noexec and is for programs; mount it without",
    ),
    "a firewall": (
        "nft add table inet wall; nft 'add chain inet wall in { type filter hook input priority 10; policy drop; }'; "
        "nft add rule inet wall in tcp dport '{ 22, 2379-2380 }' accept; "
        "nft add rule inet wall in ct state established accept",
        r"nftables chain inet wall in: is on and does not let in 6443/tcp from node and pods, 8472/udp from node; set "
        r"host_firewall to open, or open them yourself, for each host as with: nft insert rule inet wall in ip saddr "
        r"10\.244\.0\.0/16 tcp dport 6443 accept",
    ),
}
# These are in the inventory, and only the host shows that they are wrong.
SETTINGS = {
    "cluster_node_ip": ("203.0.113.7", r"cluster_node_ip 203.0.113.7: no interface of the host has it, as behind NAT"),
    "cluster_api_endpoint": (
        "api.nowhere.invalid:6443",
        r"cluster_api_endpoint api.nowhere.invalid: does not resolve here",
    ),
    "ansible_python_interpreter": (
        "/root/venv/bin/python",
        r"Python /root/venv/bin/python: has no cryptography, whatever",
    ),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host."""
    with lab(tmp_path_factory.mktemp("obstac"), 1) as ready:
        yield ready


def check(host: Lab, **variables: Any) -> str:
    """Return the output of a check run of the part of site.yml before the first change."""
    everything = yaml.safe_load(host.inventory.read_text())["all"]
    everything["vars"]["cluster_pki_dir"] = str(host.directory / "pki")
    everything["vars"]["cluster_pki_store"] = "none"
    for name, value in variables.items():
        owner = everything["vars"] if name == "cluster_api_endpoint" else everything["hosts"]["n1"]
        owner[name] = value
    # Another host is in the inventory and not in the limit, because a single host needs no open firewall.
    everything["hosts"]["n2"] = {"ansible_host": "198.18.0.12"}
    everything["children"] = {name: {"hosts": {"n1": {}}} for name in ("etcd", "master")}
    everything["children"]["node"] = {"hosts": {"n1": {}, "n2": {}}}
    inventory = host.directory / "obstacles.yml"
    inventory.write_text(yaml.safe_dump({"all": everything}))
    command = [SANDBOX, "run", "--name", host.name, "--", "ansible-playbook", "--check", "--limit", "n1"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
    }
    done = subprocess.run(
        [*command, "-i", str(inventory), str(REPOSITORY / "playbooks/_parts/prepare_hosts.yml")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.long
def test_any_address_of_an_interface_can_be_the_address_of_the_node(host: Lab) -> None:
    """A bare host has no problems, whichever of its addresses it has as a node."""
    host.inside("n1", "ip addr add 198.18.0.77/24 dev eth0")
    said = check(host, cluster_node_ip="198.18.0.77")
    assert "198.18.0.77: no interface" not in said
    assert re.search(r"Inspect the hosts.*\n.*ok: \[n1\]", said), said
    assert "host n1:" not in re.sub(r"WARNING.*", "", said), said


def test_all_obstacles_are_reported_at_once(host: Lab) -> None:
    for command, _words in PLANTED.values():
        host.inside("n1", command)
    host.inside("n1", "python3 -m venv --without-pip /root/venv; touch /root/planted")
    said = " ".join(check(host, **{name: value for name, (value, _words) in SETTINGS.items()}).split())
    reports = [*(words for _command, words in PLANTED.values()), *(words for _value, words in SETTINGS.values())]
    assert [words for words in reports if not re.search(f"host n1: {words}", said)] == [], said
    assert host.inside("n1", "find / -xdev -newer /root/planted -type f -path '/etc/*' -not -name mtab") == ""
    assert "Prepare the kernel" not in said


def test_a_firewall_that_is_opened_is_no_obstacle(host: Lab) -> None:
    names = ["ports", "dropins", "units", "cni", "leftovers", "routes", "resolver", "mounts"]
    said = check(host, host_skip_checks=names, host_firewall="open")
    assert re.search(r"Open the ports of the cluster in the host's firewall\] \*+\n(.*\n)*?changed: \[n1\]", said), said
    assert "hardway" not in host.inside("n1", "nft list ruleset")


def test_a_skipped_check_reports_nothing(host: Lab) -> None:
    names = ["ports", "dropins", "units", "cni", "leftovers", "routes", "resolver", "mounts", "firewall"]
    said = check(host, host_skip_checks=names)
    assert "Prepare the kernel" in said, said
