# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run shown by phases: on a terminal and without one, with this ansible-core and with the newest."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP
from tests.support.ansible_cores import programs

SECRET = "s3cr3t-value"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
# No ssh server has this port.
DEAD = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
INVENTORY = {"all": {"hosts": {"one": LOCAL, "two": LOCAL, "dead": DEAD}}}
ERASE = "\x1b[K"


def play(name: str, tasks: list[dict[str, Any]], hosts: str = "one,two", **more: Any) -> dict[str, Any]:
    """Return a play."""
    return {"name": name, "hosts": hosts, "gather_facts": False, "tasks": tasks, **more}


def task(name: str, module: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """Return a task."""
    return {"name": name, f"ansible.builtin.{module}": arguments, **more}


class Runs:
    """Runs of one playbook."""

    def __init__(self, core: str, place: Path) -> None:
        """Write the inventory."""
        self.place = place
        self.program = str(programs(core, TOP) / "ansible-playbook")
        (place / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
        others = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NO_COLOR"))}
        self.environment = {
            **others,
            "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "hardway.kubernetes.phases",
            "HARDWAY_LAST_RUNS": str(place / "runs"),
            "TERM": "xterm",
        }

    def command(self, plays: list[dict[str, Any]], *arguments: str) -> list[str]:
        """Return the command that runs these plays."""
        (self.place / "play.yml").write_text(json.dumps(plays), encoding="utf-8")
        return [self.program, str(self.place / "play.yml"), "-i", str(self.place / "hosts.json"), *arguments]

    def run(self, plays: list[dict[str, Any]], *arguments: str, **environment: str) -> list[str]:
        """Return the lines of a run without a terminal."""
        done = subprocess.run(
            self.command(plays, *arguments),
            env={**self.environment, **environment},
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "\x1b" not in done.stdout and "\r" not in done.stdout and "Traceback" not in done.stdout, done.stdout
        return done.stdout.splitlines()

    def run_on_terminal(self, plays: list[dict[str, Any]], *arguments: str, **environment: str) -> str:
        """Return all that a run writes to a terminal."""
        ours, theirs = pty.openpty()
        command, env = self.command(plays, *arguments), {**self.environment, "COLUMNS": "60", **environment}
        with subprocess.Popen(command, env=env, cwd=TOP, stdin=theirs, stdout=theirs, stderr=theirs) as run:
            os.close(theirs)
            written = b""
            # At its end a terminal without a writer is an error.
            with suppress(OSError):
                while data := os.read(ours, 65536):
                    written += data
            os.close(ours)
            run.wait()
        return written.decode()


@pytest.fixture(params=["own", "newest"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Runs:
    """Return runs by one ansible-core."""
    return Runs(str(request.param), tmp_path)


def without_times(lines: list[str]) -> list[str]:
    """Return lines without seconds."""
    return [line.partition(" hosts, ")[0] + " hosts" if " hosts, " in line else line for line in lines]


def test_phases_changes_and_messages_are_shown(runs: Runs, tmp_path: Path) -> None:
    role = tmp_path / "roles/sample/tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(json.dumps([task("In a role", "debug", {"msg": "from the role"}, run_once=True)]))
    plays = [
        play(
            "First",
            [
                task("Write", "copy", {"content": "x\n", "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}"}),
                task("Show the plan", "debug", {"msg": "1. Drain n1\n\n2. Stop it"}, run_once=True),
                task("Use a role", "include_role", {"name": "sample"}),
                task("Loop", "debug", {"msg": "item {{ item }}"}, loop=["a", "b"], when="inventory_hostname == 'one'"),
                task("Delegate", "file", {"path": f"{tmp_path}/d", "state": "touch"}, delegate_to="two", run_once=True),
            ],
        ),
        play("Nothing", [], hosts="absent"),
        play("Upgrade", [task("Ping", "ping")], serial=1),
    ]
    lines = runs.run(plays, "--diff")
    assert f"    +++ after: {tmp_path}/one" in lines and "    +x" in lines
    assert any(line.startswith("[WARNING]") and "absent" in line for line in lines), lines
    left_out = ("    ", "[WARNING]", "  diff: ")
    shown = [line for line in without_times(lines) if not line.startswith(left_out)]
    assert shown[0] == "play.yml: 3 phases" and shown[-2].startswith("play.yml: completed, ")
    assert shown[1:-2] == [
        "[1/3] First",
        "  changed: Write [one, two]",
        "  1. Drain n1",
        "",
        "  2. Stop it",
        "  from the role",
        "  [one] item a",
        "  [one] item b",
        "  changed: Delegate [one]",
        "[1/3] First: 2/2 hosts",
        "[2/3] Nothing: no hosts",
        "[3/3] Upgrade",
        "[3/3] Upgrade: 1/1 hosts",
        "[3/3] Upgrade, batch 2",
        "[3/3] Upgrade, batch 2: 1/1 hosts",
    ]
    assert shown[-1] == "  changed: 2 on one; 1 on two"


def test_every_error_is_shown_once_and_whole(runs: Runs) -> None:
    reason = "etcd: not healthy; read its journal"
    block = {
        "block": [task("Try", "fail", {"msg": "not now"})],
        "rescue": [task("Handle", "debug", {"msg": "handled"})],
    }
    items = task("Check", "fail", {"msg": "bad {{ item }}"}, loop=["a", "b"], ignore_errors=True)
    plays = [
        play("Handled", [block, items], hosts="one"),
        play("Lost", [task("Ping", "ping")], hosts="all"),
        play("Failed", [task("Fail", "fail", {"msg": f"{reason}\nsecond line"})]),
        play("Never", [task("Print", "debug", {"msg": "printed"})]),
    ]
    lines = runs.run(plays)
    assert "  FAILED (handled) [one] Try" in lines and "  failed and handled: 1 on one" in lines
    at = lines.index("  FAILED (ignored) [one] Check (item=a)")
    assert lines[at + 1 : at + 4] == ["    bad a", "  FAILED (ignored) [one] Check (item=b)", "    bad b"]
    assert "1/1 hosts" in lines[at + 4] and "failed" not in lines[at + 4]
    assert "  UNREACHABLE [dead] Ping" in lines and any(" ssh: " in f"{line} " for line in lines), lines
    assert any("2/3 hosts" in line and line.endswith("; unreachable: dead") for line in lines), lines
    first, second = ("one", "two") if "  FAILED [one] Fail" in lines else ("two", "one")
    at = lines.index(f"  FAILED [{first}] Fail")
    shown = [f"    {reason}", "    second line", f"  FAILED [{second}] Fail: an error shown above"]
    assert lines[at + 1 : at + 4] == shown
    output = "\n".join(lines)
    assert output.count(reason) == output.count("second line") == output.count("bad a") == 1, output
    assert "0/2 hosts" in output and "; failed: one, two" in output and "printed" not in output
    assert "play.yml: FAILED, " in output
    assert {"  failed: 1 on one, two", "  unreachable: 1 on dead"} <= set(lines)


def test_a_secret_is_not_shown(runs: Runs, tmp_path: Path) -> None:
    copy = {"content": SECRET, "dest": f"{tmp_path}/secret"}
    hidden = [
        task("Open", "copy", {"content": "x", "dest": f"{tmp_path}/open"}),
        task("Write", "copy", copy, no_log=True),
        task("Print", "debug", {"msg": SECRET}, no_log=True),
        task("Loop", "debug", {"msg": "{{ item }}"}, loop=[SECRET], no_log=True),
        task("Fail", "fail", {"msg": "{{ item }}"}, loop=[SECRET], no_log=True, ignore_errors=True),
        task("Fail at last", "fail", {"msg": SECRET}, no_log=True),
    ]
    lines = runs.run([play("First", hidden, hosts="one")], "--check", "--diff")
    assert SECRET not in "\n".join(lines), lines
    # The two errors say the same; messages say nothing.
    assert len([line for line in lines if "the output has been hidden" in line]) == 1, lines
    # Check mode is named.
    assert lines[0] == "play.yml: check mode, nothing is changed; 1 phase"
    assert "  would change: Open [one]" in lines and "  would change: 2 on one" in lines
    assert any(line.startswith("play.yml (check mode): FAILED, ") for line in lines)
    written = runs.run_on_terminal([play("First", hidden, hosts="one")], "--diff")
    assert SECRET not in written and "\x1b[0;33m  changed: Open [one]\x1b[0m" in written


def test_the_last_run_is_known_to_the_same_run_only(tmp_path: Path) -> None:
    runs = Runs("own", tmp_path)
    plays = [play("First", [task("Fail", "fail", when="fails is defined")], hosts="one")]
    # A run that fails is not remembered.
    runs.run(plays, "-e", "fails=1")
    assert "last run" not in "\n".join(runs.run(plays))
    again = runs.run(plays)
    assert [" (last run " in line or "; last run " in line for line in again[:4]] == [True] * 4, again
    assert "last run" not in "\n".join(runs.run(plays, "--check"))


def test_without_a_terminal_a_line_says_what_is_waited_for(runs: Runs) -> None:
    wait = task("Wait", "wait_for", {"timeout": 3}, when="inventory_hostname == 'two'")
    lines = runs.run([play("First", [wait])], HARDWAY_PROGRESS_INTERVAL="0.5")
    waiting = [line for line in lines if "waiting for" in line]
    assert waiting and waiting[-1].endswith("| 1/2 hosts, waiting for two | Wait"), lines
    # Plugin progress is enabled in ansible.cfg, and leaves it to this one.
    assert not [line for line in lines if line.startswith("running for ")]


def test_on_a_terminal_one_line_is_drawn_again_and_again(runs: Runs, tmp_path: Path) -> None:
    name = f"Wait for a host with a name that is longer {'than any terminal ' * 3}"
    plays = [
        play(
            "First",
            [
                task(name, "wait_for", {"timeout": 2}, when="inventory_hostname == 'two'"),
                task("Write", "copy", {"content": "x", "dest": f"{tmp_path}/new"}, run_once=True),
                task("Fail", "fail", {"msg": "etcd: broken; fix it"}),
            ],
        )
    ]
    written = runs.run_on_terminal(plays, NO_COLOR="1")
    parts = written.replace("\n", "\r").split("\r")
    drawn = [text for text in parts if text.startswith(ERASE) and "waiting for" in text]
    assert any("1/2 hosts, waiting for two | Wait" in text for text in drawn), drawn
    assert all(len(text.removeprefix(ERASE)) < 60 for text in drawn)
    # Without colours there are no other sequences.
    assert written.count("\x1b") == written.count(f"\r{ERASE}")
    kept = [line.rstrip("\r").rpartition(ERASE)[2] for line in written.split("\n")]
    assert not [line for line in kept if "waiting for" in line]
    assert "  changed: Write [one]" in kept and kept.count("    etcd: broken; fix it") == 1 and kept[-1] == ""


def test_more_is_shown_with_v(runs: Runs) -> None:
    lines = runs.run([play("First", [task("Ping", "ping"), task("Fail", "fail", {"msg": "why"})], hosts="one")], "-v")
    assert any(line.startswith("TASK [Ping]") for line in lines) and "    ping: pong" in lines
    assert any(line.startswith("[1/1] First: 0/1 hosts") for line in lines)
