# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps between two encryption configurations: what all masters can read comes before what any writes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.encryption import (
    Found,
    Group,
    covered,
    keys_of,
    plan,
)

Names = tuple[str, ...]
RESOURCES: Names = ("secrets", "configmaps", "deployments.apps", "widgets.example.org")
ASKED: list[Names] = [(), ("secrets",), ("secrets", "configmaps"), ("*.*",), ("secrets", "*.apps"), ("*.",)]


def mode(groups: Sequence[Group], resource: str) -> str:
    """Return what a configuration does with a resource: the first entry that matches decides."""
    for group in groups:
        if covered(resource, group["resources"]):
            return "writes" if group["write"] else "reads"
    return "plain"


def found(groups: Sequence[Group]) -> Found | None:
    """Return what a master reports of a file with these entries; None where it has none."""
    if not groups:
        return None
    content: dict[str, Any] = {"resources": []}
    for group in groups:
        providers = [{"secretbox": {"keys": []}}, {"identity": {}}]
        order = providers if group["write"] else providers[::-1]
        content["resources"].append({"resources": group["resources"], "providers": order})
    return Found.of(content)


def readable_by_all(one: Sequence[Group], other: Sequence[Group]) -> bool:
    """Return whether API servers with these two configurations can read what the other one writes."""
    modes = [(mode(one, resource), mode(other, resource)) for resource in RESOURCES]
    return not any("writes" in pair and "plain" in pair for pair in modes)


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(ASKED, 2)))
def test_every_step_can_read_the_one_before(before: Names, after: Names) -> None:
    """Three masters that each have one of two neighbours, in every change of what is encrypted."""
    start = plan(before, []).final
    steps = plan(after, [found(start)] * 3)
    way = [start, steps.now, steps.next, steps.final]
    for one, other in itertools.pairwise(way):
        assert readable_by_all(one, other), (one, other)
    assert steps.final == plan(after, []).now
    for resource in RESOURCES:
        was, shall = mode(start, resource), mode(steps.final, resource)
        assert (was != shall) <= covered(resource, steps.rewrite), resource
        # Nothing is forgotten: what is written until then has its final form, except what is removed.
        assert mode(steps.next, resource) == ("reads" if was == "writes" and shall == "plain" else shall)
        assert shall == "plain" or was == "plain" or mode(steps.now, resource) == "writes"


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(ASKED, 2)))
def test_an_interrupted_run_is_continued(before: Names, after: Names) -> None:
    """At every step, with each master at one step or the next one; what must be rewritten is not forgotten."""
    start = plan(before, []).final
    steps = plan(after, [found(start)] * 3)
    way = [(start, []), (steps.now, steps.pending), (steps.next, steps.pending), (steps.final, [])]
    for (one, _old), (other, pending) in itertools.pairwise(way):
        for masters in itertools.product((one, other), repeat=3):
            if all(master == way[-1][0] for master in masters):
                continue
            again = plan(after, [found(groups) for groups in masters], pending)
            for resource in RESOURCES:
                done = other == steps.final and (mode(steps.final, resource) != "plain")
                if mode(start, resource) != mode(steps.final, resource) and not done:
                    assert covered(resource, again.rewrite), (masters, resource)
            assert all(readable_by_all(groups, again.now) for groups in masters)
            assert again.final == steps.final


def test_most_runs_have_nothing_to_do() -> None:
    same = plan(["secrets"], [Found(("secrets",))] * 3)
    assert (same.moving, same.now, same.rewrite) == (False, [{"resources": ["secrets"], "write": True}], [])
    assert not plan(["secrets"], []).moving
    assert not plan([], []).moving
    assert not plan([], [None, None]).moving


def test_an_interrupted_first_run_is_no_change() -> None:
    """Some masters have the file, others do not have it yet."""
    assert not plan(["secrets"], [Found(("secrets",)), None]).moving


def test_encryption_of_a_cluster_that_has_none() -> None:
    steps = plan(["secrets"], [None, None])
    assert steps.now == [{"resources": ["secrets"], "write": False}]
    assert steps.next == steps.final == [{"resources": ["secrets"], "write": True}]
    assert steps.rewrite == steps.pending == ["secrets"]


def test_narrower_entries_come_first() -> None:
    """The API server uses the first entry that matches."""
    (first, second, third) = plan(["*.*", "*.apps", "secrets"], []).final
    assert (first["resources"], second["resources"], third["resources"]) == (["secrets"], ["*.apps"], ["*.*"])


@pytest.mark.parametrize("content", [None, "x", [], {}, {"resources": None}, {"resources": [{"providers": []}]}])
def test_a_damaged_file_is_ignored(content: Any) -> None:
    assert Found.of(content) == Found()


def test_keys_of_a_file() -> None:
    keys = keys_of("key2:bmV3\n\n b2xk \n", "f")
    assert [(key.name, key.secret) for key in keys] == [("key2", "bmV3"), ("key1", "b2xk")]
    with pytest.raises(HardwayError, match="f: two keys are named key1; "):
        keys_of("bmV3\nb2xk\n", "f")
