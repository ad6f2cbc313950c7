# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module host_preflight reads on hosts of different kinds, as plain data."""

from __future__ import annotations

import copy
from typing import Any

OURS = "# Managed by Ansible, collection hardway.kubernetes: changes made here are overwritten.\n"
UNITS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("containerd", "kubelet", "kube-proxy", "flanneld", "haproxy", "keepalived"),
)
WANT: dict[str, Any] = {
    "groups": ["etcd", "master", "node", "lb"],
    "address": "192.0.2.11",
    "endpoint": "api.example.org",
    "pod_cidr": "10.244.0.0/16",
    "service_cidr": "10.96.0.0/16",
    "etcd_data_dir": "/var/lib/etcd",
    "ports": [
        {"port": 2379, "protocol": "tcp", "unit": "etcd", "group": "etcd", "addresses": ["node", "127.0.0.1"]},
        {"port": 10250, "protocol": "tcp", "unit": "kubelet", "group": "node", "addresses": ["node"]},
        {"port": 10248, "protocol": "tcp", "unit": "kubelet", "group": "node", "addresses": ["127.0.0.1"]},
        {"port": 8472, "protocol": "udp", "unit": "flanneld", "group": "node", "addresses": ["*"]},
    ],
    "firewall": "check",
    "openings": [
        {"port": "2379", "protocol": "tcp", "unit": "etcd", "clients": "etcd, master", "sources": ["192.0.2.12"]},
        {"port": "10250", "protocol": "tcp", "unit": "kubelet", "clients": "master", "sources": ["192.0.2.12"]},
        {"port": "8472", "protocol": "udp", "unit": "flanneld", "clients": "node", "sources": ["192.0.2.12"]},
    ],
    "forwards": [{"source": "10.244.0.0/16", "destination": ""}],
    "cni": "flannel",
    "proxy_mode": "iptables",
    "resolver": True,
    "proxy": False,
    "single_host": False,
    "time_sync_required": False,
    "skip": [],
}
ROOMY = {"real": "", "noexec": False, "readonly": False, "free_mib": 50000, "inodes": 90, "refused": ""}
NOTHING: dict[str, Any] = {"files": {}, "dropins": {}, "masked": False, "ours": False}


def socket(port: int, address: str = "192.0.2.11", protocol: str = "tcp", **held: Any) -> dict[str, Any]:
    """Return a listening socket and its process."""
    return {
        "protocol": protocol,
        "address": address,
        "port": port,
        "pid": 812,
        "program": "x",
        "unit": "x.service",
        **held,
    }


def bare(**changes: Any) -> dict[str, Any]:
    """Return what is read on a healthy host, with some of it changed."""
    seen = {
        "euid": 0,
        "units": {name: dict(NOTHING) for name in UNITS},
        "active": ["ssh.service"],
        "pid1": "systemd",
        "systemd": 252,
        "os_release": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n',
        "kernel_release": "6.1.0-13-amd64",
        "python": {
            "executable": "/usr/bin/python3",
            "version": "3.11.2",
            "cryptography": "",
            "system": True,
            "system_cryptography": False,
            "usr_bin_python3": True,
        },
        "cgroups": (2, ["cpu", "cpuset", "io", "memory", "pids"]),
        "modules": {"overlay": "there", "br_netfilter": "loadable", "vxlan": "unknown"},
        "memory_mib": 4096,
        "cpus": 2,
        "time": 1001.5,
        "synchronized": True,
        "places": {
            path: dict(ROOMY, real=path) for path in ("/etc", "/opt/hardway", "/var/lib/etcd", "/var/lib/containerd")
        },
        "cni": [],
        "logind": {},
        "manifests": [],
        "leftovers": {"/etc/kubernetes/kubelet.conf": None},
        "etcd_data": False,
        "etcd_formed": False,
        "container": False,
        "machine_id": "m",
        "product_uuid": "p",
        "selinux": False,
        "selinux_containers": False,
        "port_range": ["32768", "60999"],
        "environment": {"https_proxy": "", "no_proxy": ""},
        "ufw": {"/etc/ufw/ufw.conf": "ENABLED=no\n", "/etc/default/ufw": "", "rules": "", "rules6": ""},
        "firewalld": None,
        "rules": {},
        "forward_rules": {},
        "firewall": {"name": "", "problems": [], "pending": False},
        "resolv_conf": "/etc/resolv.conf",
        "nameservers": ["192.0.2.53"],
        "links": {"eth0": "52:54:00:12:34:56", "lo": ""},
        "addresses": [
            {"interface": "lo", "address": "127.0.0.1", "prefix": 8, "secondary": False},
            {"interface": "eth0", "address": "192.0.2.9", "prefix": 24, "secondary": False},
            {"interface": "eth0", "address": "192.0.2.11", "prefix": 24, "secondary": True},
        ],
        "routes": [
            {"interface": "eth0", "network": "0.0.0.0/0", "gateway": "192.0.2.1"},
            {"interface": "eth0", "network": "192.0.2.0/24", "gateway": ""},
        ],
        "sockets": [],
        "resolved": {"addresses": ["192.0.2.100"], "reason": ""},
    }
    return {**copy.deepcopy(seen), **changes}


def finished() -> dict[str, Any]:
    """Return what is read on a host of a running cluster of ours."""
    units = {name: {**NOTHING, "files": {f"/etc/systemd/system/{name}.service": OURS}, "ours": True} for name in UNITS}
    units["containerd"]["dropins"] = {"/etc/systemd/system/containerd.service.d/proxy.conf": OURS + "[Service]\n"}
    seen = bare(units=units, active=[f"{name}.service" for name in UNITS])
    pods = [("cni0", "10.244.1.1", 24), ("flannel.1", "10.244.1.0", 32)]
    seen["addresses"] += [{"interface": n, "address": a, "prefix": p, "secondary": False} for n, a, p in pods]
    seen["links"].update({"cni0": "", "flannel.1": "", "veth12ab": ""})
    seen["routes"] += [
        {"interface": "flannel.1", "network": "10.244.0.0/24", "gateway": "10.244.0.0"},
        # As backend host-gw has them.
        {"interface": "eth0", "network": "10.244.2.0/24", "gateway": "192.0.2.12"},
    ]
    seen["sockets"] = [
        socket(2379, unit="etcd.service"),
        socket(2379, "127.0.0.1", unit="etcd.service"),
        socket(10250, unit="kubelet.service"),
        socket(8472, "0.0.0.0", "udp", pid=0, unit=""),
    ]
    return {
        **seen,
        "etcd_data": True,
        "etcd_formed": True,
        "cni": ["/etc/cni/net.d/10-flannel.conflist"],
        "logind": {
            "/etc/systemd/logind.conf.d/99-kubelet.conf": "60",
            "/usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf": "30",
            "/etc/systemd/logind.conf.d/zz-hardway-kubernetes.conf": "60s",
        },
        "leftovers": {"/etc/kubernetes/kubelet.conf": OURS},
    }


def unit(name: str, **its: Any) -> dict[str, Any]:
    """Return units of which one has this state."""
    return {"units": {**bare()["units"], name: {**NOTHING, **its}}}


def place(path: str, **its: Any) -> dict[str, Any]:
    """Return paths of which one has this state."""
    return {"places": {**bare()["places"], path: {**ROOMY, "real": path, **its}}}
