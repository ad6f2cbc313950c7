# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host that gets another address still uses of the former one, and what its change takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import address_change

OLD, NEW = "192.0.2.12", "192.0.2.52"
FLAGS = {
    "etcd": {
        "initial-advertise-peer-urls": f"https://{OLD}:2380",
        "listen-client-urls": f"https://{OLD}:2379,https://127.0.0.1:2379",
    },
    "kube-apiserver": {"bind-address": OLD},
    "kubelet": {"node-ip": OLD},
}
GROUPS = {group: ["m1", "m2", "m3"] for group in ("etcd", "master", "lb", "node")}


def host(number: int, address: str = "", **other: Any) -> dict[str, Any]:
    """Return a host that uses the address of the inventory everywhere, unless another one is given."""
    runs = f"192.0.2.1{number}"
    return {
        "name": f"node{number}",
        "address": address or runs,
        "ansible_host": f"192.0.2.1{number}",
        "used": {"etcd": [runs], "kube-apiserver": [runs], "kubelet": [runs]},
        "interfaces": list(dict.fromkeys([runs, address or runs])),
        **other,
    }


def plan(
    groups: dict[str, list[str]] = GROUPS, others: dict[str, Any] | None = None, **found: Any
) -> address_change.Result:
    """Return the plan for m2, whose address changes unless others say something else."""
    hosts = {"m1": host(1), "m2": host(2, NEW), "m3": host(3), **(others or {})}
    known = {"member": {"member": {}, "changed": True}, "nodes": [], "reached": [], "endpoint": "192.0.2.100"}
    return address_change.plan("m2", hosts, groups, {**known, **found})


def test_the_addresses_of_all_units_count_but_loopback() -> None:
    assert address_change.used(FLAGS, {}) == {"etcd": [OLD], "kube-apiserver": [OLD], "kubelet": [OLD]}


@pytest.mark.parametrize(
    ("flags", "own", "expected"),
    [
        ({"kube-apiserver": {"bind-address": "0.0.0.0"}}, {}, {}),
        ({"kube-apiserver": {"bind-address": OLD}}, {"master_apiserver_args": {"bind-address": OLD}}, {}),
        (FLAGS, {"etcd_config": {"listen-client-urls": "x", "initial-advertise-peer-urls": "x"}}, {"etcd"}),
        ({"etcd": {"listen-client-urls": f"https://{NEW}:2379,https://{OLD}:2379"}}, {}, {"etcd": [NEW, OLD]}),
        ({"etcd": {"initial-advertise-peer-urls": "https://m2.example.org:2380"}}, {}, {"etcd": ["m2.example.org"]}),
        ({}, {}, {}),
    ],
)
def test_what_the_operator_sets_does_not_count(flags: Any, own: Any, expected: Any) -> None:
    found = address_change.used(flags, own)
    if isinstance(expected, set):
        assert not expected & set(found) and "kube-apiserver" in found
    else:
        assert found == expected


def test_a_host_with_all_roles_moves_step_by_step() -> None:
    found = plan()
    assert (found["former"], found["moving"], found["refusals"]) == ([OLD], {"m2": [OLD]}, [])
    starts = [step.split()[0] for step in found["steps"]]
    assert starts == ["etcd", "API", "haproxy", "keepalived", "kubelet,", "etcd"]
    assert found["warnings"] == [f"ansible_host: m2 is contacted at {OLD}; change it before you remove that address"]


def test_a_worker_only_restarts_its_own_units() -> None:
    groups = {**{group: ["m1", "m3"] for group in GROUPS}, "node": ["m2"]}
    worker = host(2, NEW, used={"kubelet": [OLD]})
    assert plan(groups, {"m2": worker}, member={})["steps"] == [
        "kubelet, kube-proxy and flanneld on m2: restart; pods keep running"
    ]


def test_a_host_that_has_moved_has_nothing_to_do() -> None:
    found = plan(others={"m2": host(2)}, member={"member": {}, "changed": False})
    assert (found["former"], found["steps"], found["warnings"]) == ([], [], [])


def test_a_member_of_the_former_address_is_completed() -> None:
    """Killed after the restart of etcd, and its unit lists the former address no more."""
    assert plan(others={"m2": host(2)})["steps"] != []


def test_an_interrupted_change_is_known_by_what_etcd_listens_at() -> None:
    half = host(2, NEW, used={"etcd": [NEW, OLD], "kube-apiserver": [NEW], "kubelet": [NEW]})
    found = plan(others={"m2": half}, member={"member": {}, "changed": False})
    assert found["former"] == [OLD] and found["steps"][-1] == f"etcd on m2: restart without {OLD}"


@pytest.mark.parametrize(
    ("others", "found", "words"),
    [
        ({"m2": host(2, NEW, interfaces=[OLD])}, {}, f"m2: no interface has {NEW}; add it"),
        ({"m2": host(2, NEW, interfaces=[NEW])}, {}, f"m2: no interface has {OLD}, which the cluster still uses"),
        (
            {"m3": host(3, "192.0.2.53")},
            {},
            "m3: its address changes, too (192.0.2.13 runs, the",
        ),
        ({"m2": host(2, NEW, used={})}, {}, "m2: runs nothing of the cluster"),
        ({}, {"nodes": [{"name": "old7", "address": NEW}]}, f"{NEW}: is the address of node old7"),
        ({}, {"endpoint": OLD}, "cluster_api_endpoint: is m2"),
        ({}, {"endpoint": NEW}, "cluster_api_endpoint: is m2"),
        (
            {},
            {"reached": [{"host": "m3", "msg": "<error timed out>"}]},
            f"m3: does not reach {NEW} (timed out)",
        ),
        ({}, {"reached": [{"host": "m3", "msg": "[Errno 113] No route to host"}]}, "m3: does not reach"),
        ({}, {"member": {"msg": "etcd member m2: not updated: no quorum"}}, "etcd member m2: not updated"),
    ],
)
def test_what_stands_in_the_way_is_refused(others: Any, found: Any, words: str) -> None:
    (line,) = plan(others=others, **found)["refusals"]
    assert line.startswith(words)


def test_a_refused_connection_is_an_answer_and_the_own_node_no_conflict() -> None:
    answer = {"host": "m3", "msg": "Request failed: <urlopen error [Errno 111] Connection refused>"}
    assert plan(reached=[answer], nodes=[{"name": "node2", "address": NEW}])["refusals"] == []


@pytest.mark.parametrize("group", ["etcd", "master"])
def test_the_only_host_of_the_control_plane_does_not_move(group: str) -> None:
    (line,) = plan({**GROUPS, group: ["m2"]})["refusals"]
    assert line.startswith(f"m2: the only host of group {group}")
