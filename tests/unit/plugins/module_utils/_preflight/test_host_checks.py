# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of obstacle on a host is one line with object, reason and remedy; a healthy host has none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import host_checks
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.host_network_checks import bypassed
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import NAMES

from tests.support.hosts.observed import NOTHING, WANT, bare, finished, place, socket, unit


def messages(seen: dict[str, Any], **want: Any) -> list[str]:
    """Return all that is found, as severity, check and message."""
    found = host_checks.obstacles(seen, {**WANT, **want})
    return [f"{entry['severity']} {entry['check']} {entry['message']}" for entry in found]


def test_a_healthy_host_has_no_obstacle() -> None:
    assert messages(bare()) == []


def test_a_host_of_a_running_cluster_has_no_obstacle() -> None:
    assert messages(finished()) == []


def test_a_host_of_an_interrupted_run_has_no_obstacle() -> None:
    seen = finished()
    for name in ("kubelet", "kube-proxy", "flanneld", "haproxy", "keepalived"):
        seen["units"][name] = dict(NOTHING)
        seen["active"].remove(f"{name}.service")
    seen["sockets"] = seen["sockets"][:2]
    seen.update(cni=[], leftovers={}, routes=bare()["routes"], addresses=bare()["addresses"])
    assert messages(seen) == []


DROPIN = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no root": ({"euid": 1000}, "error privileges user id 1000: is not root; set ansible_become"),
    "init": ({"pid1": "init"}, "error systemd process 1: is init; use a host that systemd manages"),
    "old systemd": ({"systemd": 229}, "error systemd systemd: is 229; upgrade to 247"),
    "old kernel": ({"kernel_release": "4.18.0-553.el8"}, "error kernel kernel 4.18.0-553.el8: is older than 5.4"),
    "no bridge": ({"modules": {"br_netfilter": "missing"}}, "error kernel *has no br_netfilter; install linux-modules"),
    "no memory controller": (
        {"cgroups": (2, ["cpu", "cpuset", "pids"])},
        "error cgroups *no controller memory; boot with cgroup_e",
    ),
    "cgroups v1": ({"cgroups": (1, ["cpu", "cpuset", "memory", "pids"])}, "warning cgroups cgroups v1:"),
    "little memory": ({"memory_mib": 1024}, "warning memory memory: 1024 MiB, a control plane needs 1700"),
    "one processor": ({"cpus": 1}, "warning cpus processors: 1, a control plane needs 2"),
    "no time server": ({"synchronized": False}, "warning clock_sync clock: is not synchronized"),
    "read-only": (place("/etc", readonly=True), "error mounts /etc: is on a read-only file system"),
    "noexec": (place("/opt/hardway", noexec=True), "error mounts /opt/hardway: is mounted noexec"),
    "etcd at home": (
        place("/var/lib/etcd", real="/home/etcd"),
        "error mounts /var/lib/etcd: is /home/etcd, which ProtectHome",
    ),
    "a PKI directory at home": (
        place("/etc/kubernetes/pki", real="/home/pki"),
        "error mounts /etc/kubernetes/pki: is /home/pki, which ProtectHome or PrivateTmp hides from units; link it to",
    ),
    "a link of another user": (
        place("/etc/etcd/pki", refused="pki is a link in a directory of a; name what it leads to"),
        "error mounts /etc/etcd/pki: pki is a link in a directory of a; name what it leads to",
    ),
    "full disk": (place("/var/lib/etcd", free_mib=100), "error disk /var/lib/etcd: 100 MiB free, 300 are needed"),
    "small disk": (
        place("/var/lib/containerd", free_mib=5000),
        "warning disk /var/lib/containerd: 5000 MiB free will not",
    ),
    "no inodes": (place("/var/lib/containerd", inodes=1.5), "warning disk /var/lib/containerd: 1.5 % of its inodes"),
    "kubeadm's drop-in": (
        unit("kubelet", dropins={DROPIN: "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet\n"}),
        f"error dropins unit kubelet: {DROPIN} replaces its ExecStart; remove that file",
    ),
    "an operator's haproxy": (
        unit("haproxy", dropins={"/etc/systemd/system/haproxy.service.d/x.conf": "[Service]\nType=simple\n"}),
        "warning dropins unit haproxy: *replaces its Type",
    ),
    "a masked haproxy": (unit("haproxy", masked=True), "error units unit haproxy: is masked; run systemctl unmask"),
    "another's kubelet": (
        unit("kubelet", files={"/etc/systemd/system/kubelet.service": "[Unit]\n"}),
        "error units unit kubelet: /etc/systemd/system/kubelet.service is not ours and would be replaced",
    ),
    "docker's containerd": (
        {
            **unit("containerd", files={"/usr/lib/systemd/system/containerd.service": "[Unit]\n"}),
            "active": ["containerd.service", "docker.service"],
        },
        "error units unit containerd: runs from /usr/lib/systemd/system/containerd.service, *and which docker needs",
    ),
    "k3s": ({"active": ["k3s-agent.service"]}, "error units unit k3s-agent: is another Kubernetes"),
    "a haproxy that serves": (
        {"active": ["haproxy.service"], "sockets": [socket(443, unit="haproxy.service")]},
        "error units unit haproxy: runs on port 443 with a configuration that is not ours",
    ),
    "a keepalived that runs": ({"active": ["keepalived.service"]}, "error units unit keepalived: runs with a conf"),
    "etcd's data": ({"etcd_data": True}, "error leftovers /var/lib/etcd/member: is data of an etcd that is not ours"),
    "static pods": (
        {"manifests": ["/etc/kubernetes/manifests/etcd.yaml"]},
        "error leftovers /etc/kubernetes/manifests/etcd.yaml: static pods of another cluster; run kubeadm reset",
    ),
    "another's kubeconfig": (
        {"leftovers": {"/etc/kubernetes/kubelet.conf": "apiVersion: v1\n"}},
        "error leftovers /etc/kubernetes/kubelet.conf: is of another cluster",
    ),
    "cilium": ({"links": {"cilium_host": ""}}, "error leftovers interface cilium_host: is of another pod network"),
    "old bridge": (
        {
            "addresses": [
                *bare()["addresses"],
                {"interface": "cni0", "address": "10.42.0.1", "prefix": 24, "secondary": False},
            ]
        },
        "error leftovers interface cni0: has 10.42.0.1 of an earlier cluster, outside of cluster_pod_cidr",
    ),
    "old ipvs": ({"links": {"kube-ipvs0": ""}}, "warning leftovers interface kube-ipvs0:"),
    "calico": ({"cni": ["/etc/cni/net.d/10-calico.conflist"]}, "error cni *10-calico.conflist: sorts before our"),
    "podman": (
        {"cni": ["/etc/cni/net.d/87-podman-bridge.conflist"]},
        "warning cni *87-podman-bridge.conflist: is used wh",
    ),
    "logind": (
        {"logind": {"/etc/l/zz-hardway-kubernetes.conf": "60s", "/etc/l/zzz.conf": "5"}},
        "warning logind /etc/l/zzz.conf: InhibitDelayMaxSec=5 is read after zz-hardway-kubernetes.conf",
    ),
    "selinux": ({"selinux": True}, "warning selinux SELinux: is enforcing without a policy for containers"),
    "etcd's port": (
        {"sockets": [socket(2379, "0.0.0.0", program="etcd", unit="etcd-old.service")]},
        'error ports port 2379: in use by "etcd" (pid 812, unit etcd-old.service) that is not ours, and etcd needs it; '
        "stop it or take the host out of group etcd",
    ),
    "a pod's port": ({"sockets": [socket(10248, "127.0.0.1", unit="pod")]}, "error ports port 10248: * a pod)"),
    "a tunnel's port": ({"sockets": [socket(8472, "::", "udp")]}, "error ports port 8472: in use by"),
    "a hidden process": (
        {"sockets": [socket(10250, pid=0)]},
        "error ports port 10250: in use by a process that this host",
    ),
    "wide ports": (
        {"port_range": ["1024", "65535"]},
        "warning local_ports *1024 65535: has port 2379, 8472, 10248, 10250",
    ),
    "docker's range": (
        {"routes": [{"interface": "docker0", "network": "10.244.0.0/16", "gateway": ""}]},
        "error routes cluster_pod_cidr 10.244.0.0/16: overlaps the route 10.244.0.0/16 (docker0)",
    ),
    "a VPN's host": (
        {"routes": [{"interface": "tun0", "network": "10.96.7.0/24", "gateway": "10.8.0.1"}]},
        "error routes cluster_service_cidr 10.96.0.0/16: overlaps the route 10.96.7.0/24 (tun0)",
    ),
    "a wide VPN": (
        {"routes": [{"interface": "tun0", "network": "10.192.0.0/10", "gateway": ""}]},
        "warning routes cluster_pod_cidr 10.244.0.0/16: is inside of the route 10.192.0.0/10 (tun0)",
    ),
    "no server": ({"nameservers": []}, "error resolver /etc/resolv.conf: names no server for CoreDNS to ask"),
    "loopback servers": (
        {"nameservers": ["127.0.0.1", "::1"]},
        "error resolver /etc/resolv.conf: names only 127.0.0.1, ::1, in a pod CoreDNS itself; *set addons_",
    ),
    "an unknown endpoint": (
        {"resolved": {"addresses": [], "reason": "Name or service not known"}},
        "error endpoint cluster_api_endpoint api.example.org: does not resolve here (Name or service not known); put",
    ),
    "an endpoint at home": (
        {"resolved": {"addresses": ["127.0.1.1"], "reason": ""}},
        "error endpoint cluster_api_endpoint api.example.org: resolves to 127.0.1.1 here",
    ),
    "ufw": (
        {
            "ufw": {
                "a": "ENABLED=yes\n",
                "b": "",
                "c": "### tuple ### allow tcp 2379:2380 0.0.0.0/0 any 10.0.0.0/8 in\n",
                "d": "",
            }
        },
        "error firewall ufw: is on and does not let in 10250/tcp from master, 8472/udp from node; set host_firewall to "
        "open, or open them yourself, for each host as with: ufw allow proto tcp from 192.0.2.12 to any port 10250",
    ),
    "firewalld": (
        {
            "firewalld": {
                "public": '<zone><service name="etcd-client"/><port protocol="udp" port="8472"/></zone>',
                "trusted": '<zone><interface name="cni0"/></zone>',
            }
        },
        "error firewall firewalld: is on and does not let in 10250/tcp from master; set host_firewall to open, or open "
        'them yourself, for each host as with: firewall-cmd --permanent --add-rich-rule=\'rule family="ipv4" source '
        'address="192.0.2.12" port port="10250" protocol="tcp" accept\' && firewall-cmd --reload',
    ),
    "nftables": (
        {"rules": {"nftables chain inet filter input": 'iifname "lo" accept\ntcp dport { 22, 2379-2380 } accept\n'}},
        "error firewall nftables chain inet filter input: is on and does not let in 10250/tcp from master, 8472/udp "
        "from node; set host_firewall to open, or open them yourself, for each host as with: nft insert rule inet "
        "filter input ip saddr 192.0.2.12 tcp dport 10250 accept",
    ),
    "iptables": (
        {
            "rules": {
                "nftables chain ip filter INPUT": "ip saddr 192.0.2.12 meta l4proto vrrp accept\ntcp dport 2379 accept"
            }
        },
        "error firewall nftables chain ip filter INPUT: is on and does not let in 10250/tcp from master, 8472/udp from "
        "node; host_firewall opens firewalld, ufw and nftables, but not iptables, or open them yourself, for each host "
        "as with: iptables -I INPUT -s 192.0.2.12 -p tcp --dport 10250 -j ACCEPT",
    ),
    "a closed forward chain": (
        {"forward_rules": {"nftables chain inet filter forward": "policy drop;\nip saddr 10.0.0.0/8 accept"}},
        "warning firewall nftables chain inet filter forward: is on and does not forward what pods send (10.244.0.0/16)"
        "; set host_firewall to open, or forward it by a rule of yours",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_obstacle_is_one_line(name: str) -> None:
    changes, words = CASES[name]
    (found,) = messages(bare(**changes))
    position = 0
    for part in words.split("*"):
        position = found.find(part, position)
        assert position >= 0, (part, found)
    assert found.startswith(words.split("*", maxsplit=1)[0])


def test_a_check_can_be_skipped() -> None:
    seen = bare(cni=["/etc/cni/net.d/10-calico.conflist"], nameservers=[])
    assert len(messages(seen)) == 2
    assert [line.split()[1] for line in messages(seen, skip=["cni"])] == ["resolver"]


def test_errors_come_first() -> None:
    seen = bare(cpus=1, cgroups=(1, ["cpu", "cpuset", "memory", "pids"]), euid=1)
    assert [line.split()[0] for line in messages(seen)] == ["error", "warning", "warning"]


@pytest.mark.parametrize(
    ("address", "words"),
    [("127.0.0.1", "is the host's loopback"), ("203.0.113.7", "no interface of the host has it, as behind NAT")],
)
def test_an_address_that_other_hosts_cannot_reach(address: str, words: str) -> None:
    (found,) = messages(bare(), address=address, ports=[])
    assert found.startswith(f"error address cluster_node_ip {address}: {words}")
    assert "(192.0.2.9, 192.0.2.11)" in found


def test_an_operator_may_require_a_synchronized_clock() -> None:
    (found,) = messages(bare(synchronized=False), time_sync_required=True)
    assert found.startswith("error clock_sync")


def test_the_groups_of_a_host_decide_which_checks_apply() -> None:
    """An etcd host needs no CNI directory, resolver or cgroups."""
    bad = bare(cni=["/etc/cni/net.d/10-calico.conflist"], nameservers=[], cgroups=(1, []), cpus=1, selinux=True)
    assert messages(bad, groups=["etcd"]) == []
    assert messages(bare(nameservers=[]), resolver=False) == []


@pytest.mark.parametrize(
    ("cryptography", "system", "elsewhere", "words"),
    [
        (
            "",
            False,
            True,
            "has no cryptography, whatever the system has; set ansible_python_interpreter to /usr/bin/python3, ",
        ),
        ("", False, False, "for which it will be installed"),
        ("2.8", True, True, "its cryptography is 2.8; upgrade that to 3.4 or newer"),
        ("", True, False, ""),
        ("3.4.8", True, True, ""),
    ],
)
def test_the_interpreter_is_named(cryptography: str, system: bool, elsewhere: bool, words: str) -> None:
    its = {**bare()["python"], "executable": "/opt/venv/bin/python", "cryptography": cryptography, "system": system}
    found = messages(bare(python={**its, "system_cryptography": elsewhere}))
    assert len(found) == bool(words)
    assert all(words in line and "Python /opt/venv/bin/python:" in line for line in found)


def test_a_firewall_around_one_host_alone_is_a_warning() -> None:
    seen = bare(rules={"iptables chain INPUT": "-P INPUT DROP\n"})
    assert messages(seen)[0].startswith("error firewall iptables chain INPUT")
    assert messages(seen, single_host=True)[0].startswith("warning firewall")


@pytest.mark.parametrize(
    "rules",
    [
        "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n",
        "ip saddr { 192.0.2.11, 192.0.2.12 } accept\n",
        "-A INPUT -p tcp -m multiport --dports 2379:2380,10250 -j ACCEPT\n-A INPUT -p udp --dport 8472 -j ACCEPT\n",
        "tcp dport { 2379-2380, 10250 } accept\nudp dport 8472 counter packets 0 bytes 0 accept\n",
        'iifname "eth1" accept\n',
    ],
)
def test_firewall_rules_that_may_allow_the_hosts_are_accepted(rules: str) -> None:
    assert messages(bare(rules={"some chain": rules})) == []


VRRP = {"port": "", "protocol": "vrrp", "unit": "keepalived", "clients": "lb", "sources": ["192.0.2.12"]}


@pytest.mark.parametrize(
    ("seen", "is_open"),
    [
        ({"rules": {"a chain": "-A INPUT -s 192.0.2.12 -p vrrp -j ACCEPT\n"}}, True),
        ({"rules": {"a chain": "-A INPUT -p 112 -j ACCEPT\n"}}, True),
        ({"rules": {"a chain": "ip saddr 192.0.2.12 meta l4proto vrrp accept\n"}}, True),
        ({"rules": {"a chain": "ip saddr 192.0.2.12 accept\n"}}, True),
        ({"rules": {"a chain": "ip saddr 192.0.2.12 tcp dport 2379 accept\n"}}, False),
        ({"firewalld": {"a": '<zone><protocol value="vrrp"/><interface name="cni0"/></zone>'}}, True),
        ({"firewalld": {"a": '<zone><service name="ssh"/><interface name="cni0"/></zone>'}}, False),
    ],
)
def test_vrrp_has_no_port(seen: dict[str, Any], is_open: bool) -> None:
    found = messages(bare(**seen), openings=[VRRP])
    assert found == [] if is_open else "does not let in IP protocol 112 (VRRP) from lb; set" in found[0]


def test_a_firewall_that_can_be_opened_is_no_obstacle() -> None:
    closed = {"ufw": {"a": "ENABLED=yes\n", "b": "", "c": "", "d": ""}}
    ready = {"name": "ufw", "problems": [], "pending": True}
    assert messages(bare(**closed, firewall=ready), firewall="open") == []
    denied = {**ready, "problems": ["the rule deny from any comes first; delete that rule"]}
    (found,) = messages(bare(**closed, firewall=denied), firewall="open")
    assert found == "error firewall ufw: cannot be opened: the rule deny from any comes first; delete that rule"
    assert messages(bare(**closed), firewall="ignore") == []
    # iptables, of which there is none to open.
    (found,) = messages(bare(rules={"iptables chain INPUT": "-P INPUT DROP\n"}), firewall="open")
    assert "; open them yourself, for each host as with: iptables -I INPUT" in found


def test_a_proxy_of_the_session() -> None:
    environment = {"https_proxy": "http://proxy:3128", "no_proxy": ""}
    assert [line.split(":")[0] for line in messages(bare(environment=environment))] == ["warning proxy https_proxy"] * 2
    spared = {**environment, "no_proxy": "example.org,192.0.2.0/24"}
    assert messages(bare(environment=spared), proxy=True) == []


@pytest.mark.parametrize(
    ("name", "no_proxy", "expected"),
    [
        ("api.example.org", ".example.org", True),
        ("api.example.org", "example.org", True),
        ("api.example.org", "ample.org", False),
        ("192.0.2.7", "10.0.0.0/8, 192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.70", False),
        ("192.0.2.7", "*", True),
        ("192.0.2.7", "", False),
    ],
)
def test_no_proxy_is_read_as_go_does(name: str, no_proxy: str, expected: bool) -> None:
    assert bypassed(name, no_proxy) is expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', ("Debian", "12", "Debian", "apt")),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', ("Ubuntu", "24", "Debian", "apt")),
        ('ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n', ("RedHat", "9", "RedHat", "dnf")),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n', ("Rocky", "9", "RedHat", "dnf")),
        ("ID=arch\n", ("Arch", "0", "Arch", None)),
    ],
)
def test_facts_are_those_of_ansible(release: str, expected: tuple[str, ...]) -> None:
    facts = host_checks.facts(bare(os_release=release))
    names = ("distribution", "distribution_major_version", "os_family", "pkg_mgr")
    assert tuple(facts.get(f"ansible_{name}") for name in names) == expected


def test_containers_of_one_machine_are_not_clones() -> None:
    assert host_checks.identity(bare(), WANT) == {
        "machine_id": "m",
        "product_uuid": "p",
        "macaddress": "52:54:00:12:34:56",
    }
    assert host_checks.identity(bare(container=True), WANT)["product_uuid"] == ""
    assert host_checks.identity(bare(), {**WANT, "skip": ["identity"]}) == {}


def test_every_check_has_a_name_that_is_documented(repository: Path) -> None:
    """In the module, in role host, on the page; and none is found under another name."""
    spec = yaml.safe_load((repository / "roles/host/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    assert spec["options"]["host_skip_checks"]["choices"] == list(NAMES)
    page = (repository / "docs/preflight.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(NAMES)
    assert {words.split()[1] for _changes, words in CASES.values()} <= set(NAMES)


OWN_NETWORK: dict[str, Any] = {
    "cni": ["/etc/cni/net.d/05-cilium.conflist", "/etc/cni/net.d/10-flannel.conflist"],
    "links": {"cilium_host": ""},
    "routes": [{"interface": "cilium_host", "network": "10.244.1.0/24", "gateway": "10.244.0.7"}],
}


def test_a_network_of_the_operator_is_no_obstacle_on_a_node() -> None:
    node = {**bare()["units"], "kubelet": {**NOTHING, "ours": True}}
    seen = {**bare(**OWN_NETWORK), "units": node}
    assert messages(seen, cni="none") == []
    assert {line.split()[1] for line in messages(seen)} == {"cni", "leftovers", "routes"}, "with flannel"


def test_a_network_that_was_there_before_the_node_is_named() -> None:
    found = messages(bare(**{**OWN_NETWORK, "routes": []}), cni="none")
    assert [line.split()[:2] for line in found] == [["warning", "leftovers"], ["warning", "cni"], ["warning", "cni"]]
    assert "05-cilium.conflist: was there before the cluster, and pods get that network" in found[1]
