# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of bad inventory gets exactly one line with the object and the remedy."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardway.kubernetes.plugins.filter.inventory_problems import inventory_problems as reported
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.hosts import (
    clock_obstacles,
    host_warnings,
    interface_of_address,
    preflight_problems,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.inventory import inventory_problems

SYSTEMS = {"debian": 12, "ubuntu": 22}


def member(number: int, **changes: t.Any) -> dict[str, t.Any]:
    """Return a member as the inventory describes it."""
    return {"host": f"k{number}", "name": f"k{number}", "address": f"192.0.2.1{number}", "reached": True, **changes}


def plan(**changes: t.Any) -> dict[str, t.Any]:
    """Return a valid plan of three hosts with some values changed."""
    three = [member(n) for n in (1, 2, 3)]
    return {
        "etcd": three,
        "masters": three,
        "nodes": three,
        "lb": three,
        "pod_cidr": "10.244.0.0/16",
        "service_cidr": "10.96.0.0/16",
        "dns_address": "10.96.0.10",
        "node_port_range": "30000-32767",
        "api_port": 6443,
        "api_vip": "192.0.2.100",
        "api_endpoint": "192.0.2.100:6443",
        "api_endpoint_given": True,
        "pki_dir": "/home/ops/inventory/.pki",
        "kubernetes_version": "1.36.2",
        "supported_minors": ["1.34", "1.35", "1.36"],
        **changes,
    }


def test_a_valid_inventory_has_no_problem() -> None:
    assert inventory_problems(plan()) == []


def test_an_address_may_be_unknown_until_facts_are_gathered() -> None:
    unknown = plan(nodes=[member(4, address="")])
    assert inventory_problems({**unknown, "unsettled": ["k4"]}) == []
    assert len(inventory_problems({**unknown, "unsettled": ["k1"]})) == 1


def test_the_time_to_drain_is_compared_only_with_our_own_load_balancers() -> None:
    drain = {"shutdown_delay": [5], "interval": ["1s"], "fall": [2]}
    assert inventory_problems(plan(drain=drain)) == []
    outside = {"lb": [], "api_vip": "", "api_endpoint": "api.example.org:6443"}
    assert inventory_problems(plan(**outside, drain={**drain, "interval": ["60s"]})) == []


@pytest.mark.parametrize(
    "places",
    [
        {"inventory_dirs": {"k1": "/i/dc1", "k2": "/i/dc2"}, "pki_dir_given": True},
        {"inventory_dirs": {"k1": "/i", "k2": "/i"}, "pki_dir_given": False},
        {"other_hosts": ["s1"], "pki_dir_given": True},
    ],
)
def test_one_directory_for_the_cas_of_all_hosts(places: dict[str, t.Any]) -> None:
    assert inventory_problems(plan(**places)) == []


def test_a_single_master_needs_no_vip() -> None:
    one = [member(1)]
    good = plan(etcd=one, masters=one, lb=[], api_vip="", api_endpoint="192.0.2.11:6443", api_endpoint_given=False)
    assert inventory_problems(good) == []


def test_an_even_number_of_etcd_members_is_allowed_while_one_is_removed() -> None:
    assert inventory_problems(plan(etcd=[member(1), member(2)], etcd_shrinks=True)) == []


TWO = [member(1), member(2)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"masters": []}, ["group master", "put at least one"]),
        ({"etcd": []}, ["group etcd", "put one, three"]),
        ({"etcd": TWO}, ["group etcd", "2 members", "use 1 or 3"]),
        ({"api_vip": "", "api_endpoint": "lb.example.org:6443"}, ["group lb", "cluster_api_vip"]),
        ({"lb": []}, ["cluster_api_vip", "192.0.2.100", "group `lb`"]),
        (
            {"lb": [], "api_vip": "", "api_endpoint_given": False},
            ["cluster_api_endpoint", "3 masters", "cluster_api_vip"],
        ),
        ({"api_vip": "192.0.2.12"}, ["cluster_api_vip", "192.0.2.12", "host k2", "free address"]),
        ({"api_vip": "nonsense"}, ["cluster_api_vip", "nonsense", "not an address"]),
        ({"api_former_vip": "192.0.2.12"}, ["cluster_api_former_vip", "192.0.2.12", "host k2", "free address"]),
        ({"api_former_vip": "192.0.2.100"}, ["cluster_api_former_vip", "192.0.2.100", "empty it"]),
        ({"api_endpoint": "nonsense"}, ["cluster_api_endpoint", "nonsense", "host:port"]),
        ({"nodes": [member(1), member(4, name="k1")]}, ["host k4", "k1", "give each its own"]),
        ({"nodes": [member(4, address="192.0.2.11")]}, ["host k4", "192.0.2.11", "host k1", "cluster_node_ip"]),
        ({"nodes": [member(4, name="Bad_Name")]}, ["host k4", "Bad_Name", "valid node name"]),
        ({"nodes": [member(4, address="")]}, ["host k4", "no node address", "cluster_node_ip"]),
        ({"nodes": [member(4, address="192.0.2")]}, ["host k4", "192.0.2", "not an address"]),
        ({"pod_cidr": "10.96.0.0/12"}, ["cluster_pod_cidr", "overlaps", "10.96.0.0/16"]),
        ({"pod_cidr": "10.244.0.0/99"}, ["cluster_pod_cidr", "10.244.0.0/99", "not a range"]),
        ({"service_cidr": "10.96.0.5/16", "dns_address": ""}, ["cluster_service_cidr", "10.96.0.5/16", "not a range"]),
        ({"service_cidr": "10.96.0.0/30", "dns_address": ""}, ["cluster_service_cidr", "10.96.0.0/30", "too small"]),
        ({"dns_address": "10.97.0.10"}, ["cluster_dns_address", "10.97.0.10", "choose one inside"]),
        ({"dns_address": "10.96.0.1"}, ["cluster_dns_address", "10.96.0.1", "not a free address"]),
        ({"nodes": [member(4, address="10.244.3.4")]}, ["cluster_pod_cidr", "10.244.3.4", "k4"]),
        ({"nodes": [member(4, address="2001:db8::4")]}, ["host k4", "2001:db8::4", "use IPv4"]),
        ({"pod_cidr": "fd00:10::/56"}, ["cluster_pod_cidr", "fd00:10::/56", "use IPv4"]),
        (
            {"service_cidr": "fd00:20::/112", "dns_address": "fd00:20::a"},
            ["cluster_service_cidr", "fd00:20::/112", "use IPv4"],
        ),
        ({"api_vip": "2001:db8::100"}, ["cluster_api_vip", "2001:db8::100", "use IPv4"]),
        ({"node_port_range": "32767-30000"}, ["cluster_node_port_range", "32767-30000"]),
        ({"api_port": 70000}, ["cluster_api_port", "70000"]),
        (
            {"drain": {"shutdown_delay": [5, 5], "interval": ["2s"], "fall": [3]}},
            ["master_shutdown_delay: 5 s", "the 6 s", "haproxy_check_interval 2s times haproxy_check_fall 3"],
        ),
        (
            {"drain": {"shutdown_delay": [2], "interval": [1000], "fall": ["2"]}},
            ["delay: 2 s", "set it"],
        ),
        ({"drain": {"shutdown_delay": [5], "interval": ["soon"], "fall": [2]}}, ["haproxy_check_interval", "soon"]),
        ({"pki_dir": ".pki"}, ["cluster_pki_dir", "'.pki'", "set it to"]),
        (
            {"inventory_dirs": {"k1": "/i/dc1", "k2": "/i/dc2", "k3": "/i/dc1"}},
            ["cluster_pki_dir", "in 2 directories", "/i/dc1 (k1, k3); /i/dc2 (k2)", "set it to one"],
        ),
        ({"other_hosts": ["s1", "s2"]}, ["cluster_pki_dir", "s1, s2", "beside cluster_groups"]),
        ({"pki_store": "masters", "pki_store_opens": False}, ["cluster_pki_store_passphrase", "empty", "set it"]),
        (
            {"pki_store": "none", "pki_ephemeral": "is in memory (tmpfs)"},
            ["cluster_pki_dir", "in memory (tmpfs)", "set cluster_pki_store to masters", "or cluster_pki_dir to"],
        ),
        ({"kubernetes_version": "1.12.0"}, ["cluster_kubernetes_version", "1.12.0", "1.36"]),
        ({"kubernetes_version": "v1.36.2"}, ["cluster_kubernetes_version", "v1.36.2", "without the leading v"]),
    ],
)
def test_one_mistake_gives_one_line(changes: dict[str, t.Any], words: list[str]) -> None:
    problems = inventory_problems(plan(**changes))
    assert len(problems) == 1, problems
    assert [word for word in words if word not in problems[0]] == []


def facts(**changes: t.Any) -> dict[str, t.Any]:
    """Return the facts of a healthy host."""
    return {
        "architecture": "x86_64",
        "distribution": "Debian",
        "distribution_major_version": "12",
        "interfaces": ["lo", "eth-0"],
        "eth_0": {"ipv4": {"address": "192.0.2.11", "netmask": "255.255.255.0"}},
        **changes,
    }


@pytest.mark.parametrize(
    ("known", "vip", "words"),
    [
        ({}, "", ["host k1", "not reached", "fix the connection"]),
        (facts(architecture="riscv64"), "", ["host k1", "riscv64", "x86_64"]),
        (facts(distribution="Slackware"), "", ["host k1", "Slackware", "debian 12"]),
        (facts(distribution_major_version="11"), "", ["host k1", "Debian 11", "12 or newer"]),
        (facts(), "198.51.100.7", ["cluster_api_vip", "198.51.100.7", "192.0.2.0/24", "k1"]),
    ],
)
def test_a_host_that_cannot_serve_is_named(known: dict[str, t.Any], vip: str, words: list[str]) -> None:
    hostvars = {"k1": {"ansible_facts": known}, "k2": {"ansible_facts": facts()}}
    problems = preflight_problems([member(1), member(2)], hostvars, SYSTEMS, vip, ["k1"])
    assert len(problems) == 1, problems
    assert [word for word in words if word not in problems[0]] == []


def test_facts_of_an_earlier_run_are_no_answer() -> None:
    (problem,) = preflight_problems([member(1, reached=False)], {"k1": {"ansible_facts": facts()}}, SYSTEMS)
    assert "host k1: not reached" in problem


def test_good_hosts_have_no_problem() -> None:
    assert preflight_problems([member(1)], {"k1": {"ansible_facts": facts()}}, SYSTEMS, "192.0.2.100", ["k1"]) == []


def answered(*messages: str, severity: str = "error", **identity: str) -> dict[str, t.Any]:
    """Return the variables of a host that module host_preflight has inspected."""
    found = [{"check": "x", "severity": severity, "message": message} for message in messages]
    return {"ansible_facts": facts(), "_cluster_preflight": {"obstacles": found, "identity": identity}}


def test_obstacles_are_reported_with_their_host() -> None:
    hostvars = {"k1": answered("port 2379: in use"), "k2": answered("a", "b")}
    found = preflight_problems([member(1), member(2)], hostvars, SYSTEMS)
    assert found == ["host k1: port 2379: in use", "host k2: a", "host k2: b"]
    assert host_warnings([member(1), member(2)], hostvars) == []


def test_a_warning_is_reported_once_with_all_its_hosts() -> None:
    hostvars = {f"k{n}": answered("clock: late", severity="warning") for n in (1, 2)}
    assert preflight_problems([member(1), member(2)], hostvars, SYSTEMS) == []
    assert host_warnings([member(1), member(2)], hostvars) == ["host k1, k2: clock: late"]


def test_cloned_hosts_are_named_together() -> None:
    hostvars = {
        "k1": answered(machine_id="a", product_uuid="p", macaddress="m1"),
        "k2": answered(machine_id="a", product_uuid="p", macaddress="m2"),
        "k3": answered(machine_id="", product_uuid="", macaddress=""),
    }
    three = [member(n) for n in (1, 2, 3)]
    (problem,) = preflight_problems(three, hostvars, SYSTEMS)
    assert (
        problem.startswith("host k1, k2: machine-id a is that of all of them") and "systemd-machine-id-setup" in problem
    )
    (warning,) = host_warnings(three, hostvars)
    assert warning.startswith("host k1, k2: product_uuid p is that of all")


def test_a_failed_inspection_of_a_host_is_reported_with_the_reason() -> None:
    hostvars = {"k1": {"_cluster_preflight": {"failed": True, "msg": "Python 3.6 is too old"}}}
    assert preflight_problems([member(1)], hostvars, SYSTEMS) == [
        "host k1: could not be inspected; Python 3.6 is too old"
    ]


def test_an_interface_is_found_by_any_of_its_addresses() -> None:
    known = facts(
        interfaces=["lo", "br-lan"],
        br_lan={
            "device": "br-lan",
            "ipv4": {"address": "192.0.2.1"},
            "ipv4_secondaries": [{"address": "192.0.2.9"}],
            "ipv6": [{"address": "fd00::1"}],
        },
    )
    assert [interface_of_address(own, known) for own in ("192.0.2.1", "192.0.2.9", "fd00::1")] == ["br-lan"] * 3
    assert [interface_of_address(own, known) for own in ("192.0.2.2", "")] == ["", ""]
    assert interface_of_address("192.0.2.1", {}) == ""


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (1000.0, ""),
        (1030.0, ""),
        (995.0, ""),
        (500.0, "clock: is 500 s behind the controller's; start chrony"),
        (4630.0, "clock: is 3600 s ahead of the controller's; start chrony"),
    ],
)
def test_clocks_are_compared_however_slow_the_connection_is(host: float, words: str) -> None:
    found = clock_obstacles(host, before=1000.0, after=1030.0)
    assert [entry["check"] for entry in found] == (["clock"] if words else [])
    assert all(entry["message"].startswith(words) for entry in found)


def test_a_pki_directory_in_memory_is_a_problem_unless_the_inventory_chooses() -> None:
    """A store, or a setting of the user, ends the inspection."""
    place = {"pki_dir": "/dev/shm/pki", "pki_store": "none", "pki_store_given": False}
    assert "/dev/shm/pki is in memory" in " ".join(reported(plan(**place)))
    assert reported(plan(**place) | {"pki_store_given": True}) == []
    assert reported(plan(**place) | {"pki_store": "masters", "pki_store_opens": True}) == []


@pytest.mark.parametrize("batch", ["0", "none", "5 %", "-1"])
def test_a_wrong_batch_is_refused(batch: str) -> None:
    (problem,) = inventory_problems(plan(batch=batch))
    assert problem.startswith(f"cluster_batch: {batch!r} is not a number of nodes")


def test_wrong_names_of_nodes_that_may_be_down_are_refused() -> None:
    (problem,) = inventory_problems(plan(unreachable_nodes=["k9"]))
    assert problem.startswith("cluster_unreachable_nodes: k9 is not a host of group node alone")
