# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts can be added to a cluster, and which others must be deployed for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.addition import Node, deployed, plan

GROUPS = {"etcd": ["m1"], "master": ["m1", "m2"], "lb": ["l1", "l2"], "node": ["m1", "w1", "w2", "w3"]}
SYSTEMS = {"debian": 12}
FACTS = {"architecture": "x86_64", "distribution": "Debian", "distribution_major_version": "13"}
CLUSTER = [Node("m1", "id-m1", "192.0.2.1", "True"), Node("w1", "id-w1", "192.0.2.11", "True")]


def answer(host: str, **more: Any) -> dict[str, Any]:
    """Return the variables of a host that has answered."""
    identity = {"machine_id": f"id-{host}", "macaddress": f"mac-{host}", "product_uuid": ""}
    found = {"identity": identity, "obstacles": [], "clock": [-0.3, 0.2], "mtu": 1500, **more}
    return {"ansible_facts": FACTS, "_cluster_preflight": found}


def planned(hosts: dict[str, str], nodes: list[Node] | None = None, **more: dict[str, Any]) -> dict[str, Any]:
    """Return the plan for hosts with their addresses; more are the variables of hosts that differ."""
    members = [{"host": host, "name": host, "address": address, "reached": True} for host, address in hosts.items()]
    variables = {host: answer(host) for host in [*hosts, "m1"]} | more
    variables["m1"] = {**variables["m1"], "cluster_node_ip": "192.0.2.1"}
    return plan(members, variables, GROUPS, "m1", CLUSTER if nodes is None else nodes, SYSTEMS)


def test_new_nodes_join_beside_one_that_is_in_the_cluster() -> None:
    found = planned({"w1": "192.0.2.11", "w2": "192.0.2.12"})
    assert found["possible"] and found["left_out"] == found["problems"] == []
    assert found["scope"] == {"deploys": ["w1", "w2"], "through": ["m1"], "joins": ["w2"], "neighbours": ["m1"]}
    assert found["text"] == ["w1: node; node w1 is in the cluster already", "w2: node; joins as node w2"]


def test_one_that_fails_leaves_the_others() -> None:
    taken = {"check": "ports", "severity": "error", "message": "port 10250: in use; stop it"}
    found = planned({"w2": "192.0.2.12", "w3": "192.0.2.13"}, w2=answer("w2", obstacles=[taken]))
    assert found["possible"] and found["left_out"] == found["absent"] == ["w2"]
    known = planned({"w1": "192.0.2.11", "w3": "192.0.2.13"}, w1=answer("w1", obstacles=[taken]))
    assert known["left_out"] == ["w1"] and known["absent"] == []
    assert found["problems"] == ["host w2: port 10250: in use; stop it"]
    assert found["scope"]["deploys"] == found["scope"]["joins"] == ["w3"]
    assert not planned({"w2": "192.0.2.12"}, w2=answer("w2", obstacles=[taken]))["possible"]
    # Without it, the others would not have what the inventory says.
    assert not planned({"m2": "192.0.2.2", "w3": "192.0.2.13"}, m2=answer("m2", obstacles=[taken]))["possible"]


@pytest.mark.parametrize(
    ("address", "more", "problem"),
    [
        ("192.0.2.12", {"clock": [1.5, 2.5]}, "clock: at least 1 s ahead of that of master m1"),
        ("192.0.2.12", {"clock": [-4.0, -3.0]}, "clock: at least 3 s behind that of master m1"),
        ("192.0.2.12", {"mtu": 9000}, "MTU: 9000, and 1500 on master m1"),
        ("192.0.2.11", {}, "address 192.0.2.11: is that of node w1"),
        ("192.0.2.1", {}, "address 192.0.2.1: is that of master m1"),
        ("192.0.2.12", {"identity": {"machine_id": "id-m1"}}, "machine-id id-m1 is that of all of them"),
    ],
)
def test_what_differs_from_the_cluster_or_is_taken_there(address: str, more: dict[str, Any], problem: str) -> None:
    found = planned({"w2": address}, w2=answer("w2", **more))
    assert not found["possible"] and any(problem in line for line in found["problems"]), found


@pytest.mark.parametrize("more", [{"clock": [0.9, 1.2]}, {"clock": []}, {"mtu": 0}])
def test_what_is_not_known_to_differ(more: dict[str, Any]) -> None:
    assert planned({"w2": "192.0.2.12"}, w2=answer("w2", **more))["problems"] == []


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (Node("w2", "id-w2", "192.0.2.12", "True"), ""),
        (Node("w2", "other", "192.0.2.12", "True"), "node name w2: is that of a Ready node on another host"),
        # The host was installed again.
        (Node("w2", "other", "192.0.2.12", "Unknown"), ""),
        (Node("w2", "id-w2", "192.0.2.99", "False"), "node name w2: is that of a node at 192.0.2.99"),
    ],
)
def test_a_node_of_the_same_name(node: Node, problem: str) -> None:
    problems = planned({"w2": "192.0.2.12"}, [*CLUSTER, node])["problems"]
    assert [problem in line for line in problems] == [True] if problem else problems == []


@pytest.mark.parametrize(
    ("added", "others"),
    [
        (["w2"], []),
        (["l2"], ["l1"]),
        (["m2"], ["m1", "l1", "l2"]),
        (["m1"], ["m2", "l1", "l2"]),
        (["w1", "w2", "w3"], ["m1"]),
    ],
)
def test_hosts_whose_configuration_names_the_new_ones(added: list[str], others: list[str]) -> None:
    assert deployed(added, GROUPS) == [*added, *others]
    assert deployed(["e2"], {**GROUPS, "etcd": ["m1", "e2"]}) == ["e2", "m1", "m2"]


def test_nodes_as_kubectl_prints_them() -> None:
    assert Node.of("w1|id|192.0.2.11|True") == Node("w1", "id", "192.0.2.11", "True")
    assert Node.of("w1|||") == Node("w1", "", "", "")
