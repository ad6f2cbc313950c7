# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of the API server's stand-in, with an etcd that does what a real one does once a year."""

from __future__ import annotations

import pytest
from unit.rehearsal.fake_etcd import Etcd, item, store


KEY = "configmaps/default/a"


@pytest.fixture
def etcd() -> Etcd:
    return Etcd()


def test_a_watcher_that_comes_too_late_is_told(etcd: Etcd) -> None:
    """Else it would believe that nothing had happened."""
    made = store(etcd)
    made.start()
    first = int(made.put(KEY, item("a"), None)["metadata"]["resourceVersion"])
    assert [kind for kind, _item in made.since("configmaps/", first - 1, 0.2)] == ["ADDED"]
    for gone in (1, first - 2):
        (told,) = made.since("configmaps/", gone, 0.2)
        assert (told[0], told[1]["code"], told[1]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watcher_is_told_when_history_is_cut(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.standin.store.HISTORY", 3)
    made = store(etcd)
    made.start()
    seen = begin = made.put(KEY, item("a"), None)
    for number in range(5):
        seen = made.put(KEY, item("a", n=str(number)), seen)
    found = list(made.since("configmaps/", int(begin["metadata"]["resourceVersion"]), 0.2))
    assert [kind for kind, _item in found] == ["ERROR"]
    last = int(seen["metadata"]["resourceVersion"])
    assert [kind for kind, _item in made.since("configmaps/", last - 3, 0.2)] == ["MODIFIED"] * 3
