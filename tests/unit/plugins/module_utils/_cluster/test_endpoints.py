# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, health checks and served certificates, from the layout of role cluster."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import endpoints as layout

CLIENTS = {"etcd_health": {"ca": "/ca.crt", "cert": "/c.crt", "key": "/c.key"}}
ETCD = {
    "unit": "etcd",
    "title": "etcd (clients)",
    "group": "etcd",
    "port": 2379,
    "addresses": ["node", "127.0.0.1"],
    "open": True,
    "certificate": "/etc/etcd/pki/server.crt",
    "health": "/health",
    "client": "etcd_health",
}
KUBELET = {"unit": "kubelet", "group": "node", "port": 10248, "addresses": ["127.0.0.1"], "health": "/healthz"}
SCHEDULER = {
    "unit": "kube-scheduler",
    "group": "master",
    "port": 10259,
    "addresses": ["127.0.0.1"],
    "certificate": "/s.crt",
}
API = {"unit": "kube-apiserver", "group": "master", "port": 6443, "addresses": ["node"], "health": "/readyz"}


def test_a_host_has_the_endpoints_of_its_groups() -> None:
    assert layout.of_groups([ETCD, KUBELET, SCHEDULER], ["node", "master"]) == [KUBELET, SCHEDULER]
    assert layout.of_groups([ETCD, KUBELET], []) == []


def test_listeners_have_only_what_the_host_check_accepts() -> None:
    assert layout.listeners([ETCD, KUBELET]) == [
        {"group": "etcd", "unit": "etcd", "port": 2379, "addresses": ["node", "127.0.0.1"], "open": True},
        {"group": "node", "unit": "kubelet", "port": 10248, "addresses": ["127.0.0.1"]},
    ]


def test_a_health_check_uses_loopback_where_the_unit_listens_there() -> None:
    found = layout.health_checks([ETCD, KUBELET, SCHEDULER], "192.0.2.1", CLIENTS)
    assert found == {
        "etcd": {"url": "https://127.0.0.1:2379/health", **CLIENTS["etcd_health"]},
        "kubelet": {"url": "http://127.0.0.1:10248/healthz"},
    }
    assert layout.health_checks([API], "fd00::1", {})["kube-apiserver"]["url"] == "http://[fd00::1]:6443/readyz"


def test_a_certificate_is_read_at_the_address_that_other_hosts_use() -> None:
    served = layout.served_certificates([ETCD, KUBELET, SCHEDULER], "k1", "192.0.2.1")
    assert served == [
        {"name": "etcd (clients) on k1", "host": "192.0.2.1", "port": 2379, "path": "/etc/etcd/pki/server.crt"},
        {"name": "kube-scheduler on k1", "host": "127.0.0.1", "port": 10259, "path": "/s.crt"},
    ]
    assert layout.certificate_endpoints([ETCD, SCHEDULER], "fd00::1") == [
        {"endpoint": "[fd00::1]:2379", "path": "/etc/etcd/pki/server.crt", "used_by": ["etcd"]},
        {"endpoint": "127.0.0.1:10259", "path": "/s.crt", "used_by": ["kube-scheduler"]},
    ]
