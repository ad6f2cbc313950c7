# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a host: the kernel's tables, and files below another root."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import network
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import host_gather
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.host_gather import Gather

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t00060A0A\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ROUTES6 = (
    "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
)
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0B0012C6:094B 0C0012C6:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713 1
   1: 0000000000000000FFFF00000B0012C6:280B 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4714 1
"""


def test_routes() -> None:
    assert network.parse_routes(ROUTES, ROUTES6) == [
        {"interface": "eth0", "network": "0.0.0.0/0", "gateway": "198.18.0.1"},
        {"interface": "eth0", "network": "198.18.0.0/24", "gateway": ""},
        {"interface": "eth0", "network": "fd00::/64", "gateway": ""},
    ]
    assert network.parse_routes("", "") == []


def test_sources_are_addresses_by_the_routes() -> None:
    assert network.sources(["127.0.0.1", "127.0.0.2", "no address"]) == ["127.0.0.1"]
    assert network.sources([]) == []


def test_listening_sockets() -> None:
    found = [*network.parse_sockets(TCP, "tcp"), *network.parse_sockets(TCP6, "tcp")]
    assert [(entry["address"], entry["port"], entry["inode"]) for entry in found] == [
        ("127.0.0.1", 2379, "4711"),
        ("::", 10250, "4713"),
        ("198.18.0.11", 10251, "4714"),
    ]


def message(index: int, prefix: int, flags: int, *attributes: tuple[int, bytes]) -> bytes:
    """Return the body of an RTM_NEWADDR message."""
    body = struct.pack("=BBBBI", socket.AF_INET, prefix, flags, 0, index)
    for kind, value in attributes:
        body += struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
    return body


def test_addresses_of_links_and_of_tunnels() -> None:
    near, far = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
    plain = network.parse_address(message(2, 24, 1, (1, near), (3, b"eth0\0")), {2: "eth0"})
    assert plain == {"interface": "eth0", "address": "192.0.2.1", "prefix": 24, "secondary": True}
    tunnel = network.parse_address(message(3, 32, 0, (1, far), (2, near)), {3: "tun0"})
    assert tunnel and tunnel["address"] == "192.0.2.1"
    assert network.parse_address(message(9, 24, 0, (1, near)), {}) is None


def test_this_machine_has_addresses() -> None:
    """The kernel's answer is parsed."""
    assert "127.0.0.1" in [entry["address"] for entry in network.addresses()]
    assert network.mtus()["lo"] > 1500
    assert network.links().keys() == {name for _index, name in socket.if_nameindex()}


def test_links() -> None:
    body = bytes(16) + struct.pack("=HH", 9, 3) + b"eth0\0" + bytes(3) + struct.pack("=HH", 10, 1) + bytes(range(6))
    assert network.parse_link(body) == ("eth0", "00:01:02:03:04:05")
    assert network.parse_link(bytes(16) + struct.pack("=HH", 9, 3) + b"tun0\0") == ("tun0", "")
    assert network.parse_mtu(body + bytes(2) + struct.pack("=HHI", 8, 4, 1450)) == ("eth0", 1450)
    assert network.parse_mtu(body) == ("eth0", 0)


def test_facts_contain_first_and_further_addresses() -> None:
    entries: list[dict[str, Any]] = [
        {"interface": "br-lan", "address": "192.0.2.1", "prefix": 24, "secondary": False},
        {"interface": "br-lan", "address": "192.0.2.9", "prefix": 24, "secondary": True},
        {"interface": "br-lan", "address": "fe80::1", "prefix": 64, "secondary": False},
    ]
    routes = [{"interface": "br-lan", "network": "0.0.0.0/0", "gateway": "192.0.2.254"}]
    facts = network.facts(entries, routes, {"br-lan": "52:54:00:12:34:56", "lo": ""})
    assert facts["ansible_interfaces"] == ["br-lan", "lo"]
    device = facts["ansible_br_lan"]
    assert (device["device"], device["ipv4"]["netmask"]) == ("br-lan", "255.255.255.0")
    assert [entry["address"] for entry in device["ipv4_secondaries"]] == ["192.0.2.9"]
    assert facts["ansible_default_ipv4"] == {"address": "192.0.2.1", "interface": "br-lan", "gateway": "192.0.2.254"}
    assert network.facts(entries, [], {})["ansible_default_ipv4"] == {}


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/etcd.service\n", "etcd.service"),
        ("3:cpu:/\n1:name=systemd:/system.slice/containerd.service\n0::/\n", "containerd.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/kubepods/besteffort/pod1/abc\n", "pod"),
        ("0::/\n", ""),
    ],
)
def test_the_unit_of_a_process(cgroups: str, unit: str) -> None:
    assert network.unit_of(cgroups) == unit


def write(root: Path, **files: str) -> Gather:
    """Return a host with these files; in their names, __ is a slash and _dot_ a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Gather(str(root))


def process(root: Path, pid: int, name: str, unit: str, inode: str) -> None:
    """Make a process that holds a socket."""
    (root / f"proc/{pid}/fd").mkdir(parents=True)
    (root / f"proc/{pid}/comm").write_text(f"{name}\n")
    (root / f"proc/{pid}/cgroup").write_text(f"0::/system.slice/{unit}\n")
    (root / f"proc/{pid}/fd/3").symlink_to(f"socket:[{inode}]")


def test_the_process_and_unit_of_a_socket(tmp_path: Path) -> None:
    process(tmp_path, 7, "etcd", "etcd.service", "4711")
    process(tmp_path, 3, "nginx", "nginx.service", "4712")
    found = network.holders({"4711", "4712", "4799"}, {"etcd.service"}, str(tmp_path))
    assert found == {
        "4711": {"pid": 7, "program": "etcd", "unit": "etcd.service"},
        "4712": {"pid": 3, "program": "nginx", "unit": "nginx.service"},
    }


def test_units_are_ours_by_their_files(tmp_path: Path) -> None:
    system = tmp_path / "etc/systemd/system"
    (system / "haproxy.service.d").mkdir(parents=True)
    (system / "haproxy.service.d/hardway.conf").write_text("# Ansible managed\n")
    (system / "etcd.service").write_text("# Managed by Ansible, collection hardway.kubernetes: …\n")
    (system / "kubelet.service").symlink_to("/dev/null")
    units = Gather(str(tmp_path)).units(["etcd", "lb", "node"])
    assert [name for name, unit in units.items() if unit["ours"]] == ["etcd", "haproxy"]
    assert [name for name, unit in units.items() if unit["masked"]] == ["kubelet"]


def test_the_resolver_is_that_of_the_kubelet(tmp_path: Path) -> None:
    host = write(tmp_path, etc__resolv_dot_conf="nameserver 127.0.0.53\n")
    assert host.resolver() == {"resolv_conf": "/etc/resolv.conf", "nameservers": ["127.0.0.53"]}
    host = write(tmp_path, run__systemd__resolve__resolv_dot_conf="# x\nnameserver 192.0.2.53\n")
    assert host.resolver()["nameservers"] == ["192.0.2.53"]


def test_modules_are_missing_only_where_a_list_says_so(tmp_path: Path) -> None:
    host = Gather(str(tmp_path))
    assert host.modules(["br_netfilter", "vxlan"]) == {"br_netfilter": "missing", "vxlan": "unknown"}
    tree = tmp_path / "lib/modules" / os.uname().release
    tree.mkdir(parents=True)
    (tree / "modules.dep").write_text("kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz\n")
    assert host.modules(["br_netfilter", "vxlan"]) == {"br_netfilter": "loadable", "vxlan": "missing"}


def test_active_units_and_version_of_systemd(tmp_path: Path) -> None:
    units = tmp_path / "run/systemd/units"
    units.mkdir(parents=True)
    for name in ("invocation:docker.service", "log-extra-fields:ssh.service"):
        (units / name).symlink_to("x")
    library = tmp_path / "usr/lib/systemd/libsystemd-shared-252-18.el9.so"
    library.parent.mkdir(parents=True)
    library.write_text("")
    host = Gather(str(tmp_path))
    assert host.active() == ["docker.service"] and host.systemd() == 252


def test_files_of_logind_in_their_order(tmp_path: Path) -> None:
    for directory, name, value in (
        ("usr/lib", "unattended-upgrades-logind-maxdelay", "30"),
        ("etc", "zz-hardway-kubernetes", "60s"),
        ("usr/lib", "99-kubelet", "5"),
        ("etc", "99-kubelet", "60"),
    ):
        path = tmp_path / directory / "systemd/logind.conf.d" / f"{name}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[Login]\nInhibitDelayMaxSec={value}\n")
    assert [f"{path[:9]} {value}" for path, value in Gather(str(tmp_path)).logind().items()] == [
        "/etc/syst 60",
        "/usr/lib/ 30",
        "/etc/syst 60s",
    ]


def test_a_directory_that_does_not_exist_yet_is_measured_at_its_parent(tmp_path: Path) -> None:
    (tmp_path / "home/etcd").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/etcd").symlink_to(tmp_path / "home/etcd")
    host = Gather(str(tmp_path))
    assert host.place("/var/lib/etcd")["real"] == "/home/etcd"
    assert host.place("/var/lib/etcd")["refused"] == ""
    assert host.place("/opt/hardway")["free_mib"] == os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize >> 20


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's directory needs root")
def test_a_directory_that_modules_would_not_enter_is_reported(tmp_path: Path) -> None:
    """A link that another user than root may have made, a loop, a link to nothing, and a file."""
    for name in ("etc/kubernetes", "etc/etcd", "disk/pki"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/kubernetes/pki").symlink_to(tmp_path / "disk/pki")
    host = Gather(str(tmp_path))
    assert host.place("/etc/kubernetes/pki")["refused"] == ""
    assert host.place("/etc/etcd/pki")["refused"] == ""
    os.chown(tmp_path / "etc/kubernetes", 1234, -1)
    assert "pki is a link in a directory where others than root" in host.place("/etc/kubernetes/pki")["refused"]
    (tmp_path / "etc/etcd/pki").symlink_to("pki")
    assert "leads through more than 40 links; name" in host.place("/etc/etcd/pki")["refused"]
    (tmp_path / "etc/etcd/pki").unlink()
    (tmp_path / "etc/etcd/pki").symlink_to("../gone")
    assert host.place("/etc/etcd/pki")["refused"] == "is a link to /etc/gone, which does not exist; make that directory"
    (tmp_path / "etc/etcd/pki").unlink()
    (tmp_path / "etc/etcd/pki").write_text("")
    assert host.place("/etc/etcd/pki")["refused"].endswith("; move away what is in its place")


def test_proxies_of_the_session_and_of_the_host() -> None:
    file = 'export HTTPS_PROXY="http://p:3128"\nno_proxy=a,b\n'
    assert host_gather.proxies({}, file) == {"https_proxy": "http://p:3128", "no_proxy": "a,b"}
    assert host_gather.proxies({"https_proxy": "http://q"}, file)["https_proxy"] == "http://q"


def test_this_interpreter() -> None:
    its = host_gather.python()
    assert its["cryptography"][0].isdigit() and its["version"].startswith("3.")
