# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for the removal of hosts from all of their roles."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.filter.host_removal_plan import host_removal_plan

THREE = ["n1", "n2", "n3"]
NAMES = {"etcd": "etcd", "master": "master", "lb": "balancers", "node": "node"}
SKIPPED = {"skipped": True}


def member(host: str, healthy: bool = True) -> dict[str, Any]:
    """Return a member as module etcd_member does."""
    url = f"https://192.0.2.{host[1:]}:2380"
    return {"id": f"a{host[1:]}", "name": host, "peer_urls": [url], "learner": False, "healthy": healthy}


def removable(host: str, members: list[dict[str, Any]], leader: str = "") -> dict[str, Any]:
    """Return a result of module etcd_member in check mode."""
    found = next(one for one in members if one["name"] == host)
    return {"member": found, "leader_moved_to": leader, "counted": "3 of 3 voters are healthy", "members": members}


def planned(leaving: list[str], checks: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """Return the plan for hosts of a cluster of three, or of the given one, that have all roles."""
    members = [member(host) for host in THREE]
    known = {
        "groups": dict.fromkeys(NAMES, THREE),
        "names": NAMES,
        "lost": [],
        "responding": THREE,
        "ready": THREE,
        "balancing": THREE,
        "endpoint": "192.0.2.250",
        "signer": "ca",
        **cluster,
    }
    hosts = [{"host": host, "name": host, "address": f"192.0.2.{host[1:]}"} for host in leaving]
    found = {
        "etcd": [removable(host, members) for host in leaving if host in THREE],
        "drains": [{"plan": {"evict": [], "lost": [], "empty_dirs": []}} for host in leaving],
        "removals": [SKIPPED for host in leaving],
        "answers": [],
        **(checks or {}),
    }
    return host_removal_plan(hosts, known, found)


def test_a_host_leaves_every_role_and_what_it_had_is_due() -> None:
    members = [member(host) for host in THREE]
    pods = {"evict": [{"namespace": "shop", "name": "a"}], "lost": [], "empty_dirs": []}
    found = planned(["n1"], {"etcd": [removable("n1", members, "n2")], "drains": [{"plan": pods}]})
    assert found["refusals"] == []
    (host,) = found["hosts"]
    assert host["text"] == (
        "n1: evict shop/a; stop and disable kubelet, kube-proxy, flanneld and containerd; delete the Node; "
        "the other API servers and load balancers no longer use it; "
        "stop and disable keepalived, which gives up the virtual address, then haproxy; "
        "stop and disable kube-scheduler, kube-controller-manager, kube-apiserver; "
        "n2 leads etcd; remove the healthy voter a1; stop and disable etcd, move its data aside "
        "(now 3 of 3 voters are healthy)"
    )
    no_loss, even = found["warnings"]
    assert "2 of 2 members must stay healthy; no further loss is tolerated" in no_loss
    assert "2 is an even number of members, with which site refuses to run" in even
    (due,) = found["due"]
    assert 'rotate_ca -e \'{"ca_rotated": ["ca"]}\', rotate_service_account_key' in due


def test_everything_that_stands_in_the_way_is_reported_at_once() -> None:
    checks = {
        "etcd": [{"msg": "etcd member n1: not removed: no quorum"}],
        "drains": [{"msg": "node n1: default/bare has no controller"}],
        "answers": [
            {"item": ["192.0.2.9", 22], "msg": "Timeout"},
            {"item": ["192.0.2.9", 2379], "state": "stopped"},
            {"item": ["192.0.2.9", 6443], **SKIPPED},
        ],
    }
    found = planned(["n1"], checks, responding=["n3"], ready=["n1"], balancing=[], endpoint="192.0.2.1")
    assert [reason.partition(";")[0] for reason in found["refusals"]] == [
        "group master: none of n2, n3 has a ready API server",
        "group balancers: none of n2, n3 has a working haproxy",
        "cluster_api_endpoint: 192.0.2.1 is n1, so nodes reach the API there",
        "n1: unreachable",
        "n2: unreachable, and it stays",
        "lost: 192.0.2.9 answers on port 22, so this host is not lost",
        "etcd member n1: not removed: no quorum",
        "node n1: default/bare has no controller",
    ]


def test_the_last_host_of_a_role_stays() -> None:
    refusals = planned(THREE)["refusals"]
    assert [reason.partition(":")[0] for reason in refusals[:3]] == ["group etcd", "group master", "group balancers"]


def test_etcd_is_asked_for_all_removals_together() -> None:
    """Each alone leaves a quorum, all do not: of the two that would stay, one is dead."""
    members = [member("n1"), member("n2"), member("n3"), member("n4"), member("n5", False)]
    groups = {"etcd": ["n1", "n2", "n3", "n4", "n5"], "master": [], "lb": [], "node": []}
    given = {"groups": groups, "responding": groups["etcd"]}
    assert planned(["n1", "n2"], {"etcd": [removable(host, members) for host in THREE[:2]]}, **given)["refusals"] == []
    found = planned(THREE, {"etcd": [removable(host, members) for host in THREE]}, **given)
    assert len(found["refusals"]) == 1 and "etcd member n3: not removed after the others" in found["refusals"][0]


def test_a_lost_host_is_not_stopped_and_one_out_of_the_inventory_may_have_had_any_role() -> None:
    groups = {group: [*THREE, "n4"] for group in NAMES}
    gone = {"member": {}, "leader_moved_to": "", "counted": "3 of 3 voters are healthy", "members": []}
    found = planned(["n4"], {"etcd": [gone]}, groups=groups, lost=["n4"])
    assert found["refusals"] == []
    assert found["hosts"][0]["steps"] == [
        "it is lost and never contacted: it must stay off",
        "delete the Node and its pods",
        "the other API servers and load balancers no longer use it",
        "no etcd member any more",
    ]
