# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a playbook that are killed in the middle."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.cluster import Cluster


def log_of_killed(cluster: Cluster) -> Path:
    """Return the file for the output of killed runs."""
    return cluster.directory / "killed.log"


def last_task(cluster: Cluster) -> str:
    """Return the last task of the last killed run."""
    return re.findall(r"^TASK \[(.*)\]", log_of_killed(cluster).read_text(encoding="utf-8"), re.MULTILINE)[-1]


def kill_at(cluster: Cluster, task: str, arguments: tuple[str, ...] = (), playbook: str = "site.yml") -> bool:
    """Run a playbook and kill it a moment after a task with this name has begun; return whether it had ended before."""
    return _kill_when(cluster, lambda output: f": {task}" in output, 0.5, arguments, playbook)


def kill_after(
    cluster: Cluster, seconds: float, tasks: int = 0, arguments: tuple[str, ...] = (), playbook: str = "site.yml"
) -> bool:
    """Run a playbook and kill all of it some seconds after a number of tasks; return whether it had ended by itself."""
    return _kill_when(cluster, lambda output: output.count("\nTASK [") >= tasks, seconds, arguments, playbook)


def _kill_when(
    cluster: Cluster, reached: Callable[[str], bool], seconds: float, arguments: tuple[str, ...], playbook: str
) -> bool:
    """Run a playbook and kill all of it some seconds after its output has reached something."""
    path, line = log_of_killed(cluster), cluster.command(*arguments, playbook=playbook)
    with path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(line, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        while process.poll() is None and not reached(path.read_text(encoding="utf-8")):
            time.sleep(0.05)
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        if process.poll() is not None:
            return True
        # Ansible's workers lead sessions of their own: a signal to the group would let them finish their task.
        kill(family(process.pid))
        process.wait()
    return False
