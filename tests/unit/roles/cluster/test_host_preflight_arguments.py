# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of module host_preflight in role cluster on hosts of different groups."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from tests.support.repository import REPOSITORY, ROLES
from tests.support.roles.master import Host

ADDRESSES = {"m1": "192.0.2.11", "n1": "192.0.2.21", "l1": "192.0.2.31"}
GROUPS = {"etcd": ["m1"], "master": ["m1"], "node": ["n1"], "lb": ["l1"], "all": ["m1", "n1", "l1"]}


def asked(name: str, groups: dict[str, list[str]] = GROUPS, **settings: Any) -> dict[str, Any]:
    """Return the arguments."""
    its = [group for group, hosts in groups.items() if name in hosts]
    settings = {"_cluster_catalog": {"kubernetes": {"default": "1.36.2"}}, "group_names": its, **settings}
    settings |= {"ansible_play_hosts_all": list(ADDRESSES)}
    host = Host(name, ADDRESSES, groups, **settings)
    (task,) = DataLoader().load_from_file(str(ROLES / "cluster/tasks/inspect.yml"), trusted_as_template=True)
    return dict(host.templar.template(task["hardway.kubernetes.host_preflight"]))


@pytest.mark.parametrize(
    ("name", "groups", "ports", "modules"),
    [
        ("m1", ["etcd", "master"], [2379, 2380, 6443, 10257, 10259], []),
        (
            "n1",
            ["node"],
            [10250, 10248, 10256, 10249, 10253, 8472],
            ["overlay", "br_netfilter", "nf_conntrack", "vxlan"],
        ),
        ("l1", ["lb"], [6443, 8443], []),
    ],
)
def test_a_host_is_checked_for_what_its_groups_need(
    name: str, groups: list[str], ports: list[int], modules: list[str]
) -> None:
    found = asked(name)
    assert found["groups"] == groups
    assert [int(port["port"]) for port in found["ports"]] == ports
    assert found["modules"] == modules
    assert (found["address"], found["endpoint"], found["single_host"]) == (ADDRESSES[name], "192.0.2.11", False)


def test_settings_of_other_roles_are_known() -> None:
    found = asked(
        "n1",
        flannel_backend="wireguard",
        flannel_network_config={"Backend": {"ListenPort": 51999}},
        node_kube_proxy_mode="ipvs",
        addons_coredns="false",
        containerd_http_proxy="http://proxy:3128",
        host_skip_checks=["firewall"],
        host_time_sync_required=True,
        cluster_api_endpoint="[fd00::1]:6443",
    )
    assert [port["port"] for port in found["ports"] if port.get("protocol") == "udp"] == [51999]
    assert found["modules"][-2:] == ["ip_vs", "wireguard"]
    assert (found["resolver"], found["proxy"], found["skip"]) == (False, True, ["firewall"])
    assert (found["endpoint"], found["time_sync_required"]) == ("fd00::1", True)


@pytest.mark.parametrize(("upstreams", "resolver"), [(None, True), (["192.0.2.53"], False), ([], False)])
def test_the_resolver_is_checked_where_coredns_uses_it(upstreams: list[str] | None, resolver: bool) -> None:
    settings = {} if upstreams is None else {"addons_coredns_upstreams": upstreams}
    assert asked("n1", **settings)["resolver"] is resolver


def test_a_cluster_of_one_host_needs_no_open_firewall() -> None:
    groups = {name: ["m1"] for name in ("etcd", "master", "node")}
    assert asked("m1", groups)["single_host"] is True


def test_host_gw_has_no_tunnel() -> None:
    assert 8472 not in [port["port"] for port in asked("n1", flannel_backend="host-gw")["ports"]]


def opened(name: str, **settings: Any) -> dict[str, tuple[str, list[str]]]:
    """Return clients and sources of what the firewall of a host lets in, by port and protocol."""
    found = asked(name, **{"host_firewall": "open", **settings})["openings"]
    return {f"{one['port']}/{one['protocol']}": (one["clients"], one["sources"]) for one in found}


def test_the_firewall_lets_in_who_connects_to_the_host() -> None:
    assert opened("m1") == {"6443/tcp": ("lb, node, pods", ["192.0.2.31", "192.0.2.21", "10.244.0.0/16"])}
    assert opened("n1") == {"10250/tcp": ("master", ["192.0.2.11"])}
    assert opened("l1", host_firewall_api_clients="10.0.7.0/24")["6443/tcp"] == (
        "master, node, pods, api_clients",
        ["192.0.2.11", "192.0.2.21", "10.244.0.0/16", "10.0.7.0/24"],
    )
    assert opened("m1", flannel_store="etcd")["2379/tcp"] == ("flannel_nodes", ["192.0.2.21"])
    extra = [{"group": "node", "port": "4240-4250", "protocol": "udp", "from": ["master", "192.0.2.77"]}]
    assert opened("n1", host_firewall_extra_ports=extra)["4240-4250/udp"][1] == ["192.0.2.11", "192.0.2.77"]
    assert "4240-4250/udp" not in opened("m1", host_firewall_extra_ports=extra)
    clients = opened("n1", host_firewall_node_port_clients=["0.0.0.0/0"])
    assert {"30000-32767/tcp", "30000-32767/udp"} < clients.keys()


def test_nodes_forward_for_pods_of_flannel() -> None:
    groups = {**GROUPS, "node": ["n1", "m1"]}
    found = asked("n1", groups, host_firewall="open")
    assert found["forwards"] == [
        {"source": "10.244.0.0/16", "destination": ""},
        {"source": "192.0.2.11", "destination": "10.244.0.0/16"},
    ]
    assert opened_ports(found) == {"10250/tcp", "8472/udp"}
    own = asked("n1", groups, cluster_cni="none")
    assert own["forwards"] == [] and opened_ports(own) == {"10250/tcp"}


def test_a_check_needs_no_addresses_of_nodes() -> None:
    groups = {**GROUPS, "node": ["n1", "m1"]}
    found = asked("n1", groups)
    assert [(one["clients"], one["sources"]) for one in found["openings"]] == [("master", ["192.0.2.11"]), ("node", [])]
    assert found["forwards"] == [{"source": "10.244.0.0/16", "destination": ""}]


def opened_ports(found: dict[str, Any]) -> set[str]:
    """Return ports and protocols."""
    return {f"{one['port']}/{one['protocol']}" for one in found["openings"]}


def test_the_documentation_has_the_ports_of_the_layout() -> None:
    """Hosts that are in all groups, but for the clients, which are not hosts."""
    text = (REPOSITORY / "docs/ports.md").read_text(encoding="utf-8").partition("## Ports between hosts")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    documented = {
        (group, port.partition(" (vxlan)")[0].replace("IP protocol 112 (VRRP)", "/vrrp"), frozenset(words(clients)))
        for group, port, clients in rows
        if "node_port" not in port
    }
    names = ("m1", "n1", "l1")
    settings = {"host_firewall_api_clients": ["10.0.7.0/24"], "flannel_store": "kubernetes"}
    found = set()
    for group in ("etcd", "master", "lb", "node"):
        # The host itself is only in this group, another one in all.
        groups = {one: [names[1], *([names[0]] if one == group else [])] for one in GROUPS if one != "all"}
        groups["all"] = list(names)
        for one in asked(names[0], groups, **settings)["openings"]:
            clients = frozenset(words(one["clients"].replace("api_clients", "clients")))
            found.add((group, f"{one['port']}/{one['protocol']}", clients))
    assert found == documented


def words(clients: str) -> list[str]:
    """Return groups, and pods and clients, without what depends on an option."""
    always = re.split(r"; ", clients)[0]
    return re.findall(r"etcd|master|lb|node|pods|clients(?! where)", always)
