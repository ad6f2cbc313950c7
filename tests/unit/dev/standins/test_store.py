# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of the API server's stand-in, with rare behaviour of etcd."""

from __future__ import annotations

import time

import pytest

from dev.standins.standin.apiserver.store import Conflict
from tests.support.api.fake_etcd import Etcd, item, store

KEY = "configmaps/default/a"


@pytest.fixture
def etcd() -> Etcd:
    return Etcd()


def test_a_watcher_that_is_too_late_gets_an_error(etcd: Etcd) -> None:
    """Otherwise it would take it for no events."""
    made = store(etcd)
    first = int(made.put(KEY, item("a"), None)["metadata"]["resourceVersion"])
    assert [kind for kind, _item in made.since("configmaps/", first - 1, 0.2)] == ["ADDED"]
    for gone in (1, first - 2):
        (event,) = made.since("configmaps/", gone, 0.2)
        assert (event[0], event[1]["code"], event[1]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watcher_gets_an_error_when_history_is_compacted(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_change_whose_answer_was_lost_is_no_conflict(etcd: Etcd, lost: int) -> None:
    """It is sent again, and then the object has already changed."""
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


def test_a_change_of_another_client_is_a_conflict(etcd: Etcd) -> None:
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
    """Otherwise roles and bindings would stay the same for as long as the program runs."""
    made = store(etcd)
    for nonsense in ({"kv": {}}, {"kv": {"key": "5", "mod_revision": None}}, None):
        etcd.events.put(nonsense)  # type: ignore[arg-type]
    made.put(KEY, item("a"), None)
    end = time.monotonic() + 10
    while KEY not in made.cache and time.monotonic() < end:
        time.sleep(0.05)
    assert KEY in made.cache
