# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, health checks and served certificates, from the layout of role cluster."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import endpoints as layout

CLIENT = {"ca": "/ca.crt", "cert": "/c.crt", "key": "/c.key"}
NAMES = {
    "ports": {"etcd": 2379, "kubelet_health": 10248, "kube_scheduler": 10259, "kube_apiserver": 6443},
    "directories": {"etcd_pki": "/etc/etcd/pki", "kubernetes_pki": "/etc/kubernetes/pki"},
    "clients": {"etcd_health": CLIENT},
    "node": "192.0.2.1",
    "vip": "192.0.2.100",
}
ETCD = {
    "unit": "etcd",
    "title": "etcd (clients)",
    "group": "etcd",
    "port": "etcd",
    "addresses": ["node", "127.0.0.1"],
    "certificate": "etcd_pki/server.crt",
    "health": "/health",
    "client": "etcd_health",
}
KUBELET = {
    "unit": "kubelet",
    "group": "node",
    "port": "kubelet_health",
    "addresses": ["127.0.0.1"],
    "health": "/healthz",
}
SCHEDULER = {
    "unit": "kube-scheduler",
    "group": "master",
    "port": "kube_scheduler",
    "addresses": ["127.0.0.1"],
    "certificate": "kubernetes_pki/scheduler.crt",
}
API = {
    "unit": "kube-apiserver",
    "group": "master",
    "port": "kube_apiserver",
    "addresses": ["node"],
    "health": "/readyz",
}
HAPROXY = {"unit": "haproxy", "group": "lb", "port": "kube_apiserver", "addresses": ["vip"]}


def test_a_host_has_the_endpoints_of_its_groups() -> None:
    assert layout.of_groups([ETCD, KUBELET, SCHEDULER], ["node", "master"]) == [KUBELET, SCHEDULER]
    assert layout.of_groups([ETCD, KUBELET], []) == []
    assert layout.of_groups([KUBELET, SCHEDULER], ["node", "master"], ["kubelet"]) == [SCHEDULER]


def test_listeners_have_ports_and_the_virtual_address() -> None:
    assert layout.listeners([ETCD, KUBELET, HAPROXY], NAMES) == [
        {"group": "etcd", "unit": "etcd", "port": 2379, "addresses": ["node", "127.0.0.1"]},
        {"group": "node", "unit": "kubelet", "port": 10248, "addresses": ["127.0.0.1"]},
        {"group": "lb", "unit": "haproxy", "port": 6443, "addresses": ["192.0.2.100"]},
    ]


def test_a_health_check_uses_loopback_where_the_unit_listens_there() -> None:
    assert layout.health_checks([ETCD, KUBELET, SCHEDULER], NAMES) == {
        "etcd": {"url": "https://127.0.0.1:2379/health", **CLIENT},
        "kubelet": {"url": "http://127.0.0.1:10248/healthz"},
    }
    ipv6 = layout.health_checks([API], {**NAMES, "node": "fd00::1"})
    assert ipv6["kube-apiserver"]["url"] == "http://[fd00::1]:6443/readyz"


def test_a_certificate_is_read_at_the_address_that_other_hosts_use() -> None:
    assert layout.served_certificates([ETCD, KUBELET, SCHEDULER], NAMES, "k1") == [
        {"name": "etcd (clients) on k1", "host": "192.0.2.1", "port": 2379, "path": "/etc/etcd/pki/server.crt"},
        {
            "name": "kube-scheduler on k1",
            "host": "127.0.0.1",
            "port": 10259,
            "path": "/etc/kubernetes/pki/scheduler.crt",
        },
    ]
    assert layout.certificate_endpoints([ETCD, SCHEDULER], {**NAMES, "node": "fd00::1"}) == [
        {"endpoint": "[fd00::1]:2379", "path": "/etc/etcd/pki/server.crt", "used_by": ["etcd"]},
        {"endpoint": "127.0.0.1:10259", "path": "/etc/kubernetes/pki/scheduler.crt", "used_by": ["kube-scheduler"]},
    ]
