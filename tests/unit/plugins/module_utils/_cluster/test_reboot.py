# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts reboot, in which order, and what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import reboot

MARK = "/run/reboot-required"
MASTERS = ["m1", "m2", "m3"]
NODES = ["w1", "w2", "w3"]


def info(*reasons: str, haproxy: str = "active") -> dict[str, Any]:
    """Return what module boot_info has found on a host."""
    return {"reasons": list(reasons), "units": {"haproxy": {"active": haproxy, "enabled": True}}}


def node(name: str, cordoned_by: str = "", zone: str = "") -> dict[str, Any]:
    """Return a node as module upgrade_info does."""
    return {"name": name, "cordoned_by": cordoned_by, "zone": zone}


def voter(number: int, healthy: bool = True) -> dict[str, Any]:
    """Return a member of etcd."""
    return {"endpoint": f"https://192.0.2.1{number}:2379", "healthy": healthy}


def facts(infos: dict[str, Any], **changes: Any) -> reboot.Facts:
    """Return the facts of three masters, which are load balancers, too, and three nodes; all but infos need nothing."""
    hosts = [
        {"host": host, "name": host, "address": f"192.0.2.1{n}", "groups": ["etcd", "master", "lb"]}
        for n, host in enumerate(MASTERS, 1)
    ]
    hosts += [
        {"host": host, "name": host, "address": f"192.0.2.2{n}", "groups": ["node"]} for n, host in enumerate(NODES)
    ]
    found: dict[str, Any] = {
        "hosts": hosts,
        "named": MASTERS + NODES,
        "infos": {**{host: info() for host in MASTERS + NODES}, **infos},
        "nodes": [node(name) for name in NODES],
        "apis": True,
        "voters": [voter(n) for n in (1, 2, 3)],
        "drains": {},
    }
    return reboot.Facts(**{**found, **changes})


def test_only_hosts_that_need_it_reboot_and_those_of_the_control_plane_alone() -> None:
    found = reboot.plan(facts({host: info(MARK) for host in ("m1", "m3", "w1", "w2", "w3")}, batch="2"))
    assert found["batches"] == [["m1"], ["m3"], ["w1", "w2"], ["w3"]] and found["refusals"] == []
    assert found["before"]["w1"] == ["m1", "m3"] and found["before"]["w3"] == ["m1", "m3", "w1", "w2"]
    assert found["text"][0] == f"Reboot m1: {MARK}"
    assert found["text"][2] == f"Drain and reboot w1: {MARK}; Drain and reboot w2: {MARK}"


def test_nothing_to_do() -> None:
    found = reboot.plan(facts({}))
    assert found["batches"] == [] and found["refusals"] == []
    assert found["text"] == ["No host needs a reboot: m1, m2, m3, w1, w2 and 1 more."]


def test_only_named_hosts_reboot() -> None:
    assert reboot.plan(facts({"m1": info(MARK), "w1": info(MARK)}, named=["w1", "w2"]))["batches"] == [["w1"]]


def test_no_two_nodes_of_a_zone_reboot_together() -> None:
    zones = [node("w1", zone="a"), node("w2", zone="a"), node("w3", zone="b")]
    found = reboot.plan(facts({host: info(MARK) for host in NODES}, nodes=zones, batch="100%"))
    assert found["batches"] == [["w1", "w3"], ["w2"]]


def test_what_an_interrupted_run_has_left_comes_first_and_is_not_rebooted_again() -> None:
    nodes = [node("w1"), node("w2", "operator"), node("w3", "hardway")]
    found = reboot.plan(facts({"m1": info(MARK)}, nodes=nodes))
    assert found["batches"] == [["w3"], ["m1"]]
    assert found["text"][0] == f"Finish w3: {reboot.LEFT}"
    # The others bring the control plane down no further than this host does.
    assert not reboot.reboots(found["reasons"]["w3"]) and reboot.reboots(found["reasons"]["m1"])


@pytest.mark.parametrize(
    ("unhealthy", "rebooting", "refused"),
    [
        ([2], "m1", True),
        # The host of the unhealthy member itself: the others have the quorum.
        ([2], "m2", False),
        ([], "m1", False),
        ([2], "w1", False),
    ],
)
def test_etcd_keeps_its_quorum(unhealthy: list[int], rebooting: str, refused: bool) -> None:
    voters = [voter(n, n not in unhealthy) for n in (1, 2, 3)]
    found = reboot.plan(facts({rebooting: info(MARK)}, voters=voters))["refusals"]
    expected = "m1: without it, 1 of 3 voters of etcd are healthy, and 2 are needed; repair the others first"
    assert found == ([expected] if refused else [])


def test_what_an_interrupted_run_has_stopped_comes_back_before_the_next_host() -> None:
    infos = {"m1": info(MARK, haproxy="inactive"), "m2": info(MARK, haproxy="inactive"), "m3": info(MARK)}
    found = reboot.plan(facts(infos, voters=[voter(1, False), voter(2), voter(3)]))
    assert found["batches"] == [["m1"], ["m2"], ["m3"]] and found["refusals"] == []
    again = reboot.plan(facts({"m3": info(MARK)}, voters=[voter(1, False), voter(2), voter(3)]))
    assert again["refusals"] != []


@pytest.mark.parametrize("voters", [1, 2])
def test_too_few_voters_are_no_reason_to_refuse_but_said(voters: int) -> None:
    found = reboot.plan(facts({"m1": info(MARK)}, voters=[voter(n) for n in range(1, voters + 1)]))
    assert found["refusals"] == [] and "fewer than three voters" in found["text"][-1]


def test_all_refusals_at_once() -> None:
    infos = {"m1": info(MARK), "m2": info(haproxy="failed"), "m3": {"reasons": []}, "w2": info(MARK)}
    drains = {"w2": {"msg": "node w2: pods that may not be evicted now"}}
    found = reboot.plan(facts(infos, named=[*MASTERS, "w2", "w9"], drains=drains))["refusals"]
    assert [text.partition(":")[0] for text in found] == ["w9", "node w2", "m1"]
    assert "unreachable" in found[0] and "no other load balancer runs haproxy" in found[2]


def test_without_an_api_no_node_is_drained() -> None:
    assert "none answers" in reboot.plan(facts({"w1": info(MARK)}, apis=False, nodes=[]))["refusals"][0]
    assert reboot.plan(facts({"m1": info(MARK)}, apis=False, nodes=[]))["refusals"] == []


def test_a_wrong_size_of_batches_is_refused() -> None:
    assert "cluster_batch" in reboot.plan(facts({"w1": info(MARK)}, batch="none"))["refusals"][0]
