# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run prints what it waits for; its printing process ends with it, also when it is killed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from dev.tools.lab import TOP, tool

HOSTS = ("one", "two")


def start(place: Path, tasks: list[dict[str, object]]) -> subprocess.Popen[str]:
    """Start a playbook with these tasks on two local hosts."""
    playbook = place / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    command = [tool("ansible-playbook"), str(playbook), "-i", ",".join((*HOSTS, "")), "-c", "local"]
    settings = {"ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "HARDWAY_PROGRESS_INTERVAL": "0.5"}
    return subprocess.Popen(command, env={**os.environ, **settings}, text=True, stdout=subprocess.PIPE)


def children(pid: int) -> list[int]:
    """Return the printing processes of a run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(each) for each in found if b"_progress.py" in Path(f"/proc/{each}/cmdline").read_bytes()]


def waiting(condition: str) -> dict[str, object]:
    """Return a task that waits where a condition is true, else is skipped."""
    return {"name": "Wait for nothing", "ansible.builtin.wait_for": {"timeout": 3}, "when": condition}


def test_a_task_that_takes_long_is_printed_with_its_hosts(tmp_path: Path) -> None:
    fast = {"name": "Print", "ansible.builtin.debug": {"msg": "done"}}
    output, _ = start(tmp_path, [waiting("inventory_hostname == 'two'"), fast]).communicate()
    lines = [line for line in output.splitlines() if line.startswith("running for ")]
    assert lines and {line.partition(": ")[2] for line in lines} == {"Wait for nothing [two]"}, output


def test_the_printing_process_ends_with_a_killed_run(tmp_path: Path) -> None:
    with start(tmp_path, [waiting("true")]) as run:
        assert run.stdout is not None
        while not run.stdout.readline().startswith("running for "):
            assert run.poll() is None
        printing = children(run.pid)
        assert printing
        run.kill()
    # The workers end first: they hold the pipe too.
    while any(Path(f"/proc/{pid}").exists() for pid in printing):
        time.sleep(0.1)
