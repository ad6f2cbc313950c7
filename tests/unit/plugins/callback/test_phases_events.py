# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the output by phases makes of events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.callback.phases import CallbackModule

HIDDEN = {"censored": "hidden by no_log", "_ansible_no_log": True, "changed": False}


class Shown(CallbackModule):
    """The plugin with options, whose output is kept."""

    def __init__(self, **options: Any) -> None:
        """Begin a run without a thread."""
        super().__init__()
        self.options = {"display_failed_stderr": False, "show_per_host_start": False, **options}
        self.lines: list[str] = []
        self._checked, self._number, self._phases_total = False, 0, 2
        self._took: dict[str, float] = {}
        self._last = SimpleNamespace(phases={}, seconds=None)  # type: ignore[assignment]

    def get_option(self, name: str, *_arguments: Any) -> Any:
        """Return an option."""
        return self.options[name]

    def _print(self, text: str, colour: str | None = None, stderr: bool = False) -> None:
        """Keep lines."""
        self.lines += text.splitlines()


def host(name: str) -> Any:
    """Return a host."""
    return SimpleNamespace(get_name=lambda: name)


def task(name: str, **more: Any) -> Any:
    """Return a task."""
    values = {
        "action": "ping",
        "loop": None,
        "run_once": False,
        "ignore_errors": False,
        "ignore_unreachable": False,
        "delegate_to": None,
    }
    return SimpleNamespace(_uuid=name, _parent=None, get_name=lambda: name, **(values | more))


def result(name: str, of: Any, **values: Any) -> Any:
    """Return the result of a host."""
    return SimpleNamespace(host=host(name), task=of, result=values, _host=host(name), _task=of, _result=values)


@pytest.fixture
def shown() -> Shown:
    """Return the plugin in its first phase."""
    made = Shown()
    made.v2_playbook_on_play_start(SimpleNamespace(_uuid="1", get_name=lambda: "Run etcd"))
    return made


def start(shown: Shown, of: Any, *names: str) -> None:
    """Start a task on hosts."""
    shown.v2_playbook_on_task_start(of, False)
    for name in names:
        shown.v2_runner_on_start(host(name), of)


def end(shown: Shown) -> list[str]:
    """Begin the next phase; return all lines without seconds."""
    shown.v2_playbook_on_play_start(SimpleNamespace(_uuid="2", get_name=lambda: "Next"))
    return [line.partition(", ")[0] if "hosts, " in line else line for line in shown.lines]


def test_changes_are_shown_when_all_hosts_have_finished(shown: Shown) -> None:
    change, other = task("Write"), task("Other")
    start(shown, change, "n1", "n2", "n3")
    for name in ("n3", "n1"):
        shown.v2_runner_on_ok(result(name, change, changed=True))
    start(shown, other, "n1")
    assert shown.lines == ["[1/2] Run etcd"]
    shown.v2_runner_on_ok(result("n2", change, changed=False))
    assert end(shown)[1:] == ["  changed: Write [n1, n3]", "[1/2] Run etcd: 3/3 hosts"]


def test_an_unreachable_host_that_is_ignored_is_not_lost(shown: Shown) -> None:
    ping, probe = task("Ping"), task("Probe", ignore_unreachable=True)
    start(shown, probe, "n1", "n2")
    shown.v2_runner_on_unreachable(result("n2", probe, msg="no route"))
    start(shown, ping, "n1", "n2")
    shown.v2_runner_on_unreachable(result("n1", ping, msg="timed out"))
    assert end(shown)[1:] == [
        "  UNREACHABLE (ignored) [n2] Probe",
        "    no route",
        "  UNREACHABLE [n1] Ping",
        "    timed out",
        "[1/2] Run etcd: 1/2 hosts",
    ]


def test_a_censored_result_says_nothing_else(shown: Shown) -> None:
    secret = task("Secret", action="debug")
    start(shown, secret, "n1")
    shown.v2_runner_on_ok(result("n1", secret, **HIDDEN))
    failing = task("Fail")
    start(shown, failing, "n1")
    shown.v2_runner_on_failed(result("n1", failing, **HIDDEN))
    expected = ["  FAILED [n1] Fail", "    hidden by no_log", "[1/2] Run etcd: 0/1 hosts"]
    assert end(shown)[1:] == expected


def test_a_failure_below_a_rescue_is_handled(shown: Shown) -> None:
    inner = task("Try")
    block = SimpleNamespace(_uuid="block", rescue=[task("Rescue")], block=[inner], _parent=None)
    inner._parent = block
    start(shown, inner, "n1")
    shown.v2_runner_on_failed(result("n1", inner, msg="not now"))
    rescue = block.rescue[0]
    rescue._parent = block
    start(shown, rescue, "n1")
    shown.v2_runner_on_failed(result("n1", rescue, msg="not at all"))
    lines = end(shown)
    assert "  FAILED (handled) [n1] Try" in lines and "  FAILED [n1] Rescue" in lines
