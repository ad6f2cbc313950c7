# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of the API server's stand-in, with an etcd that does what a real one does once a year."""

from __future__ import annotations

import time

import pytest
from unit.dev.standins.fake_etcd import Etcd, item, store

from dev.standins.standin.apiserver.store import Conflict

KEY = "configmaps/default/a"


@pytest.fixture
def etcd() -> Etcd:
    return Etcd()


def test_a_watcher_that_comes_too_late_is_told(etcd: Etcd) -> None:
    """Else it would believe that nothing had happened."""
    made = store(etcd)
    first = int(made.put(KEY, item("a"), None)["metadata"]["resourceVersion"])
    assert [kind for kind, _item in made.since("configmaps/", first - 1, 0.2)] == ["ADDED"]
    for gone in (1, first - 2):
        (told,) = made.since("configmaps/", gone, 0.2)
        assert (told[0], told[1]["code"], told[1]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watcher_is_told_when_history_is_cut(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.standins.standin.apiserver.store.HISTORY", 3)
    made = store(etcd)
    seen = begin = made.put(KEY, item("a"), None)
    for number in range(5):
        seen = made.put(KEY, item("a", n=str(number)), seen)
    found = list(made.since("configmaps/", int(begin["metadata"]["resourceVersion"]), 0.2))
    assert [kind for kind, _item in found] == ["ERROR"]
    last = int(seen["metadata"]["resourceVersion"])
    assert [kind for kind, _item in made.since("configmaps/", last - 3, 0.2)] == ["MODIFIED"] * 3


@pytest.mark.parametrize("lost", [1, 2])
def test_a_change_whose_answer_was_lost_is_not_taken_for_anothers(etcd: Etcd, lost: int) -> None:
    """It is asked for again, and then the object is no more what it was."""
    made = store(etcd)
    etcd.losing = lost
    first = made.put(KEY, item("a"), None)
    assert made.get(KEY) == first
    etcd.losing = lost
    second = made.put(KEY, item("a", b="c"), first)
    assert made.get(KEY) == second and second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    etcd.losing = lost
    made.delete(KEY, second)
    assert made.get(KEY) is None


def test_anothers_change_is_a_conflict(etcd: Etcd) -> None:
    made = store(etcd)
    first = made.put(KEY, item("a"), None)
    made.put(KEY, item("a", b="c"), first)
    with pytest.raises(Conflict):
        made.put(KEY, item("a", b="d"), first)
    with pytest.raises(Conflict):
        made.delete(KEY, first)
    with pytest.raises(Conflict):
        made.put(KEY, {**item("a"), "metadata": {"name": "a", "uid": "other"}}, None)


def test_nothing_ends_the_watch(etcd: Etcd) -> None:
    """Else roles and bindings would stay what they were for as long as the program runs."""
    made = store(etcd)
    for nonsense in ({"kv": {}}, {"kv": {"key": "5", "mod_revision": None}}, None):
        etcd.events.put(nonsense)  # type: ignore[arg-type]
    made.put(KEY, item("a"), None)
    end = time.monotonic() + 10
    while KEY not in made.cache and time.monotonic() < end:
        time.sleep(0.05)
    assert KEY in made.cache
