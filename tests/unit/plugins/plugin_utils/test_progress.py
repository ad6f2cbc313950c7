# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run prints of tasks that take long."""

from __future__ import annotations

import json

from ansible_collections.hardway.kubernetes.plugins.plugin_utils._progress import Running


def running(*events: tuple[float, list[str]]) -> Running:
    """Return the state after these events, each at a time."""
    state = Running(30)
    for now, words in events:
        state.take(json.dumps(words), now)
    return state


def test_a_task_is_printed_once_for_each_interval() -> None:
    state = running((0.0, ["t", "n1", "role : Wait"]))
    assert list(state.due(29.9)) == []
    assert list(state.due(30.0)) == ["running for 30 s: role : Wait [n1]"]
    assert list(state.due(59.0)) == []
    # A report that comes late does not double the next one.
    assert list(state.due(125.0)) == ["running for 125 s: role : Wait [n1]"]
    assert list(state.due(126.0)) == []


def test_hosts_that_have_finished_are_not_named() -> None:
    state = running((0.0, ["t", "n1", "Wait"]), (1.0, ["t", "n2", "Wait"]), (20.0, ["t", "n1"]))
    assert list(state.due(31.0)) == ["running for 31 s: Wait [n2]"]
    state.take('["t", "n2"]', 32.0)
    assert list(state.due(90.0)) == []
    # Results of tasks whose start is unknown are ignored.
    state.take('["u", "n2"]', 91.0)


def test_tasks_that_run_at_once_are_printed_apart() -> None:
    state = running((0.0, ["t", "n1", "Wait"]), (10.0, ["u", "n2", "Copy"]))
    assert list(state.due(35.0)) == ["running for 35 s: Wait [n1]"]
    assert list(state.due(41.0)) == ["running for 31 s: Copy [n2]"]


def test_of_many_hosts_some_are_named() -> None:
    state = running(*((0.0, ["t", f"n{number}", "Wait"]) for number in range(1, 13)))
    assert list(state.due(30.0)) == ["running for 30 s: Wait [n1, n2, n3, n4, n5, n6, n7, n8, 4 more]"]
