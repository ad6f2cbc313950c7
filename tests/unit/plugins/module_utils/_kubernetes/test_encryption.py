# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps between two encryption configurations: what all masters can read comes before what any writes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.encryption import (
    Found,
    Group,
    Plan,
    covered,
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


def found(groups: Sequence[Group], keys: Sequence[str] = ()) -> Found | None:
    """Return what a master reports of a file with these entries; None where it has none."""
    if not groups:
        return None
    content: dict[str, Any] = {"resources": []}
    for group in groups:
        providers = [{"secretbox": {"keys": []}}, {"identity": {}}]
        order = providers if group["write"] else providers[::-1]
        content["resources"].append({"resources": group["resources"], "providers": order})
    return Found.of(content, keys)


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


KEYS: Names = ("a", "b", "c")
# What masters may have, and what the file may say, of three keys.
ORDERS = [order for length in (1, 2, 3) for order in itertools.permutations(KEYS, length)]


@pytest.mark.parametrize("asked", ORDERS)
@pytest.mark.parametrize("before", ORDERS)
def test_every_step_can_read_what_the_one_before_writes(before: Names, asked: Names) -> None:
    steps = plan(["secrets"], [Found(("secrets",), (), before)] * 3, (), asked)
    way = [list(before), steps.keys["now"], steps.keys["next"], steps.keys["final"]]
    for one, other in itertools.pairwise(way[:3]):
        assert one[0] in other and other[0] in one
    assert way[1][0] == before[0] or before[0] == asked[0] or set(before) <= set(way[1])
    assert set(before) <= set(way[2]), "nothing stored is unreadable until all is rewritten"
    assert way[2][0] == way[3][0] == asked[0]
    assert steps.drop == [name for name in before if name not in asked]
    assert steps.moving == (before[0] != asked[0] or bool(steps.drop))
    assert steps.rewrite == steps.pending == (["secrets"] if steps.moving else [])


class Model:
    """Three masters, the objects in etcd by resource as the key that each is stored under, and runs that are killed."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.asked: Names = ("a",)
        self.resources: Names = ("secrets",)
        first = plan(self.resources, [], (), self.asked)
        # What the file of a master says, and what its API server has loaded.
        self.files: list[tuple[list[Group], list[str]]] = [(first.final, first.keys["final"])] * 3
        self.loaded = list(self.files)
        self.pending: list[Names] = [()] * 3
        self.stored = {resource: {"a" if resource == "secrets" else ""} for resource in RESOURCES}
        self.left = 0

    def write(self) -> None:
        """Let any API server write any object, and all read everything."""
        groups, keys = self.chance.choice(self.loaded)
        resource = self.chance.choice(RESOURCES)
        self.stored[resource].add(keys[0] if mode(groups, resource) == "writes" else "")
        for groups, keys in self.loaded:
            for resource, under in self.stored.items():
                readable = {"", *keys} if mode(groups, resource) != "plain" else {""}
                assert under <= readable, (resource, under, groups, keys)

    def step(self) -> bool:
        """Return whether the run is killed here; API servers load what is in their files at any time."""
        self.left -= 1
        self.write()
        for number in range(3):
            if self.chance.random() < 0.2:
                self.loaded[number] = self.files[number]
                self.write()
        return self.left == 0

    def run(self, kill: int) -> bool:
        """Run role master, killed after so many steps; return whether it has ended."""
        self.left = kill
        states = [found(groups, keys) for groups, keys in self.files]
        steps = plan(self.resources, states, [item for items in self.pending for item in items], self.asked)
        for stage in ("now", "next", "final") if steps.moving else ("now",):
            for number in self.chance.sample(range(3), 3):
                self.pending[number] = tuple(steps.pending)
                if self.step():
                    return False
                self.files[number] = (getattr(steps, stage), steps.keys[stage])
                if self.step():
                    return False
            for number in self.chance.sample(range(3), 3):
                self.loaded[number] = self.files[number]
                if self.step():
                    return False
            if stage == "next" and not self.rewrite(steps):
                return False
        self.pending = [()] * 3
        return True

    def rewrite(self, steps: Plan) -> bool:
        """Rewrite the objects; return whether the run goes on."""
        for resource in RESOURCES:
            if covered(resource, steps.rewrite):
                self.stored[resource] = {
                    keys[0] if mode(groups, resource) == "writes" else "" for groups, keys in self.loaded
                }
            if self.step():
                return False
        assert not set().union(*self.stored.values()) & set(steps.drop), "proof from etcd"
        return True


@pytest.mark.parametrize("seed", range(300))
def test_killed_runs_leave_everything_readable(seed: int) -> None:
    """Keys and resources change between runs that are killed anywhere; the last one finishes."""
    chance = random.Random(seed)
    model = Model(chance)
    for _change in range(4):
        model.asked = chance.choice(ORDERS)
        model.resources = chance.choice(ASKED)
        for _kill in range(3):
            model.run(chance.randrange(1, 30))
    assert model.run(0)
    for resource, under in model.stored.items():
        assert under <= (set(model.asked) if covered(resource, model.resources) else {""})
    for groups, keys in model.loaded:
        assert not groups or (keys[0] == model.asked[0] and set(keys) == set(model.asked))


def test_an_interrupted_run_is_a_rotation_under_way() -> None:
    """Until every master has completed it; otherwise a second run would create another key."""
    new = Found(("secrets",), (), ("b",))
    assert plan(["secrets"], [Found(("secrets",), (), ("a",)), new], (), ["b"]).rotating
    assert plan(["secrets"], [new, new], ["secrets"], ["b"]).rotating
    assert not plan(["secrets"], [new, new], (), ["b"]).rotating
    assert not plan(["secrets"], [], (), ["b"]).rotating


def test_a_further_key_that_only_decrypts_needs_no_steps() -> None:
    steps = plan(["secrets"], [Found(("secrets",), (), ("a",))], (), ["a", "b"])
    assert (steps.moving, steps.keys["now"]) == (False, ["a", "b"])


def test_files_edited_by_hand_do_not_break_the_rule() -> None:
    """One master encrypts with a key that the other one does not have."""
    steps = plan(["secrets"], [Found(("secrets",), (), ("b", "a")), Found(("secrets",), (), ("a",))], (), ["b", "a"])
    assert steps.keys["now"] == ["a", "b"]
    assert steps.rewrite == ["secrets"]
