# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall of a host has to let in, from the layout of role cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import openings

HOSTS = {
    name: {"host": name, "address": f"192.0.2.{number}"} for number, name in enumerate(("m1", "m2", "n1", "l1"), 1)
}
NAMES: dict[str, Any] = {
    "ports": {"etcd": 2379, "kube_apiserver": 6443},
    "absent": ["kube-proxy"],
    "groups": {
        "etcd": [HOSTS["m1"]],
        "master": [HOSTS["m1"], HOSTS["m2"]],
        "node": [HOSTS["n1"], HOSTS["m2"]],
        "lb": [HOSTS["l1"]],
    },
    "networks": {"pods": ["10.244.0.0/16"], "api_clients": [], "node_port_clients": ["10.9.0.0/16"]},
    "forwards": True,
}
ETCD = {"unit": "etcd", "group": "etcd", "port": "etcd", "from": ["etcd", "master"]}
API = {"unit": "kube-apiserver", "group": "master", "port": "kube_apiserver", "from": ["node", "pods", "api_clients"]}
LOCAL = {"unit": "kubelet", "group": "node", "port": 10248}
PROXY = {"unit": "kube-proxy", "group": "node", "port": "30000-32767", "from": ["node_port_clients"]}
VRRP = {"unit": "keepalived", "group": "lb", "protocol": "vrrp", "from": ["lb"]}
EXTRA = {"unit": "own", "port": 4240, "protocol": "udp", "from": ["node", "203.0.113.0/24"]}
ALL = [ETCD, API, LOCAL, PROXY, VRRP, EXTRA]


def test_other_hosts_are_let_in_and_not_the_host_itself() -> None:
    (found,) = openings.rules([ETCD, LOCAL, VRRP], ["etcd", "master"], NAMES, "m1")["openings"]
    assert found == {"unit": "etcd", "protocol": "tcp", "port": "2379", "sources": ["192.0.2.2"], "clients": "master"}


def test_pods_and_networks_are_let_in() -> None:
    (found,) = openings.rules([API], ["master"], NAMES, "m1")["openings"]
    assert (found["sources"], found["clients"]) == (["192.0.2.3", "192.0.2.2", "10.244.0.0/16"], "node, pods")
    (extra,) = openings.rules([EXTRA], ["lb"], NAMES, "l1")["openings"]
    assert (extra["port"], extra["sources"]) == ("4240", ["192.0.2.3", "192.0.2.2", "203.0.113.0/24"])


def test_without_another_host_nothing_is_opened() -> None:
    assert openings.rules([VRRP, PROXY], ["lb", "node"], NAMES, "l1")["openings"] == []
    there = {**NAMES, "absent": []}
    (found,) = openings.rules([PROXY], ["node"], there, "n1")["openings"]
    assert (found["port"], found["sources"]) == ("30000-32767", ["10.9.0.0/16"])


def test_a_host_whose_address_is_not_known_yet_is_still_a_client() -> None:
    names = {**NAMES, "groups": {**NAMES["groups"], "etcd": [{"host": "m3", "address": ""}], "master": []}}
    (found,) = openings.rules([ETCD], ["etcd"], names, "m1")["openings"]
    assert (found["sources"], found["clients"]) == ([], "etcd")


def test_nodes_forward_to_and_from_pods() -> None:
    found = openings.rules(ALL, ["node"], NAMES, "n1")["forwards"]
    assert [(one["source"], one["destination"]) for one in found] == [
        ("10.244.0.0/16", ""),
        ("192.0.2.2", "10.244.0.0/16"),
        ("10.9.0.0/16", "10.244.0.0/16"),
    ]
    assert openings.rules(ALL, ["master"], NAMES, "m1")["forwards"] == []
    assert openings.rules(ALL, ["node"], {**NAMES, "forwards": False}, "n1")["forwards"] == []
