# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resets are refused, with the command to run first, and what the plan says."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import reset_plan

GROUPS = {"etcd": ["m1", "m2", "m3"], "master": ["m1", "m2"], "lb": ["m1"], "node": ["w1", "w2"]}
EVERYONE = ["m1", "m2", "m3", "w1", "w2"]


def state(nodes: list[str] | None, members: list[str] | None) -> dict[str, Any]:
    """Return a result of module cluster_status."""
    found: dict[str, Any] = {"servers": [], "api_error": "" if nodes is not None else "no API server is ready"}
    if nodes is not None:
        found["nodes"] = [{"name": name} for name in nodes]
    found["etcd"] = {"listed": members is not None, "members": [{"name": name} for name in members or []]}
    return found


def plan(
    named: list[str], *states: dict[str, Any], changes: tuple[str, ...] = ("stop x",), **more: Any
) -> dict[str, Any]:
    """Return the plan for hosts whose node names are those of the inventory in capitals."""
    asked = {
        "cluster": "prod",
        "groups": GROUPS,
        "group_names": {"etcd": "prod_etcd"},
        "states": list(states),
        "results": {host: {"changes": list(changes), "notes": []} for host in named},
        "delete_data": False,
        "confirmed": False,
        "command": "COMMAND",
        "playbook": "run %s -e hosts=%s",
        **more,
    }
    return reset_plan.plan([{"host": host, "name": host.upper()} for host in named], asked)


def test_a_node_must_have_left_first() -> None:
    found = plan(["w1", "w2"], state(["W1"], ["M1"]))
    # The plan is shown nevertheless.
    assert found["text"] == ["w1: stop x", "w2: stop x"]
    assert found["refusals"] == [
        "w1: still nodes of the running cluster; drain and delete them first: "
        "run remove_node -e hosts=w1 -e confirm=prod"
    ]


def test_a_member_must_have_left_first() -> None:
    (problem,) = plan(["m3"], state(["W1"], ["M1", "M3"]))["refusals"]
    assert problem.startswith("m3: still etcd members of the running cluster; take them out of group prod_etcd")
    assert problem.endswith("run remove_member -e hosts=m3 -e confirm=prod")


def test_a_host_with_several_roles_is_removed_by_the_playbook_that_takes_it() -> None:
    (problem,) = plan(["m3"], state(["M3"], ["M1", "M3"]))["refusals"]
    assert problem == (
        "m3: still part of the running cluster; remove them first: run remove -e hosts=m3 -e confirm=prod"
    )


def test_a_host_that_has_left_is_reset_and_the_cluster_verified() -> None:
    found = plan(["w1"], state(None, None), state(["W2"], ["M1"]))
    assert found["refusals"] == [] and found["verifies"] and not found["whole"]
    assert (found["text"], found["command"], found["empty"]) == (["w1: stop x"], "COMMAND", False)


def test_the_last_masters_are_not_taken_from_the_nodes() -> None:
    (problem,) = plan(["m1", "m2"], state(["W1", "W2"], ["M3"]))["refusals"]
    assert problem.startswith("m1, m2: all masters, without which the nodes W1, W2 have no cluster")


def test_the_whole_cluster_needs_not_leave_itself() -> None:
    found = plan(EVERYONE, state(["W1"], ["M1"]))
    assert found["refusals"] == [] and found["whole"] and not found["verifies"]
    assert found["text"][0] == "All hosts of cluster prod: it ends, with all its objects."


def test_without_a_cluster_that_answers_the_plan_says_what_was_not_checked() -> None:
    found = plan(["w1"], state(None, None))
    assert found["refusals"] == [] and not found["verifies"]
    assert any("No API server answers" in line for line in found["text"])
    assert any("No etcd member answers" in line for line in found["text"])


def test_the_last_data_are_not_deleted_unseen() -> None:
    (problem,) = plan(["m3"], state(None, None), delete_data=True)["refusals"]
    assert "m3: no etcd member answers, so the data there may be the last ones" in problem
    assert plan(["w1"], state(None, None), delete_data=True)["refusals"] == []
    assert plan(EVERYONE, delete_data=True)["refusals"] == []


def test_steps_of_one_kind_share_a_line() -> None:
    steps = ("stop a", "stop b", "end 1 pods: c", "unmount /x/y", "unmount /x", "delete /x", "delete interface cni0")
    found = plan(["w1"], state([], []), changes=steps)["text"]
    assert found[:4] == [
        "w1: stop a, b",
        "w1: end 1 pods: c",
        "w1: unmount 2 mounts, the last one /x",
        "w1: delete /x, interface cni0",
    ]


def test_nothing_to_do() -> None:
    found = plan(EVERYONE, changes=())
    assert (found["text"], found["empty"]) == ([f"{host}: nothing to do" for host in EVERYONE], True)
