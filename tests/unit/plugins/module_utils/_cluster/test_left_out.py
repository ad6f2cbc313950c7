# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes a run leaves out because they do not answer."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import left_out, record

NODES = [f"w{number}" for number in range(1, 100)]
GROUPS = {"etcd": ["m1"], "master": ["m1"], "lb": ["l1"], "node": ["m1", *NODES]}


@pytest.mark.parametrize(
    ("allowed", "unreachable", "hosts"),
    [
        ([], ["w1"], []),
        (["0"], ["w1"], []),
        (["2"], ["w1", "w2"], ["w1", "w2"]),
        (["2%"], ["w1", "w2"], ["w1", "w2"]),
        (["2%"], ["w1", "m1", "l1"], ["w1"]),
        (["w1", "w3"], ["w1", "w2"], ["w1"]),
        (["100%"], ["m1", "l1"], []),
    ],
)
def test_nodes_that_may_be_down(allowed: list[str], unreachable: list[str], hosts: list[str]) -> None:
    assert left_out.left_out(unreachable, GROUPS, allowed) == (hosts, "")


@pytest.mark.parametrize("allowed", ["2", "2%"])
def test_of_too_many_none_is_left_out(allowed: str) -> None:
    found = left_out.left_out(["w1", "w2", "w3"], GROUPS, [allowed])
    assert found.hosts == []
    assert f"{allowed} allows 2 of 100 nodes to be down, and 3 do not answer: w1, w2, w3" in found.problem


def test_a_percentage_is_rounded_down() -> None:
    assert left_out.left_out(["w1"], {"node": ["w1", "w2"]}, ["49%"]) == ([], "")
    assert left_out.left_out(["w1"], {"node": ["w1", "w2"]}, ["50%"]) == (["w1"], "")


@pytest.mark.parametrize("allowed", [[], ["3"], ["2%"], ["100%"], ["w1", "w2"]])
def test_right_values(allowed: list[str]) -> None:
    assert left_out.option_problems(allowed, GROUPS) == []


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [
        (["2%", "w1"], "set one number, one percentage"),
        (["1", "2"], "set one number, one percentage"),
        (["101%"], "set one number, one percentage"),
        (["m1"], "m1 is not a host of group node alone"),
        (["l1"], "l1 is not a host of group node alone"),
        (["w1", "two"], "two is not a host of group node alone"),
        (["-1"], "-1 is not a host"),
    ],
)
def test_wrong_values(allowed: list[str], reason: str) -> None:
    (problem,) = left_out.option_problems(allowed, GROUPS)
    assert problem.startswith("cluster_unreachable_nodes: ") and reason in problem


def test_nodes_are_recorded_until_they_are_updated() -> None:
    nodes = ["w1", "w2", "w3"]
    first = left_out.recorded(None, ["w1", "w2"], "monday", nodes, ["w3"])
    assert first == {"w1": "monday", "w2": "monday"}
    # A run with a limit, which has not tried to reach w2.
    assert left_out.recorded(first, ["w1"], "tuesday", nodes, ["w3"]) == first
    assert left_out.recorded(first, [], "tuesday", nodes, ["w1", "w2"]) == {}


def test_a_node_that_was_removed_is_not_recorded_any_more() -> None:
    assert left_out.recorded({"w1": "monday", "w2": "monday"}, [], "tuesday", ["w2"], []) == {"w2": "monday"}


def test_a_record_without_such_nodes_has_no_list_of_them() -> None:
    before = {"name": "c", "id": "1", "left_out": {"w1": "monday"}}
    assert record.updated(before, {"left_out": {"w1": "monday"}}, [], "2")["left_out"] == {"w1": "monday"}
    assert "left_out" not in record.updated(before, {"left_out": {}}, [], "2")
