# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host at a time, or a few: which host is next, and what the hosts before have left."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from contextlib import ExitStack
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _turns
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._turns import Turn, keys

VARIABLES = {"ansible_inventory_sources": ["/i/dc1", "/i/dc2"], "cluster_pki_dir": "/i/.pki"}


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep locks and state files of the tests apart."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def turn(host: str, task: str = "t1", at_once: int = 1, may_fail: int = 0, **more: Any) -> Turn:
    """Return a host's turn."""
    return Turn("etcd", task, host, {**VARIABLES, "inventory_dir": f"/i/{host}", **more}, at_once, may_fail)


def test_after_a_success_the_next_host_has_its_turn() -> None:
    for host in ("k1", "k2"):
        with turn(host) as mine:
            assert mine.stopped_by == ""


def test_after_a_failure_no_host_has_a_turn_in_this_task() -> None:
    with turn("k1") as mine:
        mine.failed("not healthy\nits last lines")
    for host in ("k2", "k3"):
        with turn(host) as mine:
            assert mine.stopped_by == "k1: not healthy"
            # It reports that, which is a failure as well, and no other one.
            mine.failed("not restarted")
    with turn("k2", task="of another run") as mine:
        assert mine.stopped_by == ""
    with turn("k1") as again:
        assert again.stopped_by == "", "it may try again"


@pytest.mark.parametrize("error", [ConnectionError("no route"), KeyboardInterrupt()])
def test_a_host_that_is_lost_stops_the_others(error: BaseException) -> None:
    with pytest.raises(type(error)), turn("k1"):
        raise error
    with turn("k2") as mine:
        assert mine.stopped_by == f"k1: lost during its restart ({str(error) or 'KeyboardInterrupt'})"


def hold(place: str, begun: Event, host: str, at_once: int) -> None:
    """Take a turn and never end it."""
    tempfile.tempdir = place
    with turn(host, at_once=at_once):
        begun.set()
        time.sleep(60)


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_worker_that_is_killed_leaves_the_turn_and_stops_the_others(tmp_path: Path, at_once: int) -> None:
    context = multiprocessing.get_context("fork")
    begun = context.Event()
    worker = context.Process(target=hold, args=(str(tmp_path), begun, "k1", at_once))
    worker.start()
    assert begun.wait(20)
    if at_once > 1:
        with turn("k2", at_once=at_once) as beside:
            assert beside.stopped_by == ""
    worker.kill()
    worker.join()
    # Whichever place a host gets.
    with ExitStack() as turns:
        for host in [f"k{number}" for number in range(2, 2 + at_once)]:
            mine = turns.enter_context(turn(host, at_once=at_once))
            assert mine.stopped_by == "k1: its restart started but did not finish; its worker was killed"


def test_a_few_hosts_have_turns_together_and_no_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    go, passed = context.Event(), context.Event()
    # Before there is a lock, which it would inherit.
    other = context.Process(target=waits, args=(str(tmp_path), go, passed, {"at_once": 3}), daemon=True)
    other.start()
    with ExitStack() as turns:
        for host in ("k1", "k3", "k4"):
            assert turns.enter_context(turn(host, at_once=3)).stopped_by == ""
        go.set()
        assert not passed.wait(1)
    assert passed.wait(20)
    other.join()


def test_hosts_that_must_be_alone_are_so_beside_others() -> None:
    with turn("m1"), turn("k1", at_once=5), turn("k2", at_once=5) as mine:
        assert mine.stopped_by == ""


def test_a_number_of_hosts_may_fail() -> None:
    for host, stopped in (("k1", ""), ("k2", ""), ("k3", "k1: not healthy")):
        with turn(host, at_once=2, may_fail=1) as mine:
            assert mine.stopped_by == stopped
            mine.failed("not healthy")


def waits(place: str, go: Event, passed: Event, variables: dict[str, Any]) -> None:
    """Report when the turn has come."""
    tempfile.tempdir = place
    go.wait(30)
    with turn("k2", "t2", **variables):
        passed.set()


@pytest.mark.parametrize(
    ("variables", "together"),
    [
        ({}, False),
        # Other sources for the same cluster; the same sources where nothing identifies the cluster.
        ({"ansible_inventory_sources": ["/i/dc1/hosts.yml"]}, False),
        ({"cluster_pki_dir": "{{ inventory_dir }}/.pki"}, False),
        ({"ansible_inventory_sources": ["/other"], "cluster_pki_dir": "/other/.pki"}, True),
    ],
)
def test_all_runs_for_one_cluster_share_the_turns(tmp_path: Path, variables: dict[str, Any], together: bool) -> None:
    context = multiprocessing.get_context("fork")
    go, passed = context.Event(), context.Event()
    # Before there is a lock, which it would inherit.
    other = context.Process(target=waits, args=(str(tmp_path), go, passed, variables), daemon=True)
    other.start()
    with turn("k1"):
        go.set()
        assert passed.wait(10 if together else 1) is together
    assert passed.wait(20)
    other.join()


def test_the_name_of_the_lock_does_not_depend_on_the_host() -> None:
    ours = [keys("etcd", {**VARIABLES, "inventory_dir": f"/i/dc{n}", "inventory_hostname": f"k{n}"}) for n in (1, 2)]
    assert ours[0] == ours[1]
    assert keys("etcd", {**VARIABLES, "ansible_inventory_sources": ["/i/dc2", "/i/dc1"]}) == ours[0]
    assert not set(keys("master", VARIABLES)) & set(ours[0])


def test_old_state_files_are_removed(tmp_path: Path) -> None:
    with turn("k1") as mine:
        mine.failed("not healthy")
    (note,) = tmp_path.rglob("*.note")
    os.utime(note, (0, 0))
    _turns.place_of_locks()
    assert not note.exists()
