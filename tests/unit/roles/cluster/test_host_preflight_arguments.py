# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of module host_preflight in role cluster on hosts of different groups."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from tests.support.repository import ROLES
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
