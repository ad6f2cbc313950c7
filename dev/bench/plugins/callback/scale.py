# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the results of each task, and loads what workers would otherwise load again and again."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scale
type: aggregate
short_description: Count the results of each task
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes for each task how many hosts were ok, changed, skipped, failed and unreachable, and how long it took.
options:
  report:
    description: File for the report.
    type: path
    env: [{name: HARDWAY_SCALE_REPORT}]
    required: true
  profiles:
    description: Directory for the profiles of the main process and of some workers. Without it, none is profiled.
    type: path
    env: [{name: HARDWAY_SCALE_PROFILES}]
"""

import cProfile
import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.executor.process.worker import WorkerProcess
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import connection_loader

# One of so many workers is profiled: each leaves a file.
SAMPLE = 10


class CallbackModule(CallbackBase):
    """Keeps the tasks in their order; a task ends when the next one starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "scale"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Load the connection plugin in the main process, from which workers are forked."""
        super().__init__()
        connection_loader.get("simulated", class_only=True)
        self.tasks: list[dict[str, Any]] = []
        self.by_id: dict[str, dict[str, Any]] = {}
        self.play = ""
        self.begin = (0.0, 0.0)
        # Of processor time: most of the time, the main process waits.
        self.profile = cProfile.Profile(time.process_time)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Profile, if that is wanted."""
        if directory := self.get_option("profiles"):
            profile_workers(Path(directory), self.profile)
            self.profile.enable()

    def _end(self) -> None:
        if self.tasks and not self.tasks[-1]["seconds"]:
            seconds, processor = _now()
            self.tasks[-1].update(
                seconds=round(seconds - self.begin[0], 3), processor=round(processor - self.begin[1], 3)
            )

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the last task of the play before."""
        self._end()
        self.play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Add a task."""
        self._end()
        role = task._role.get_name().rpartition(".")[2] if task._role else ""
        counts = dict.fromkeys(("ok", "changed", "skipped", "failed", "unreachable", "cached"), 0)
        names = {"play": self.play, "role": role, "task": task.name or task.action, "action": task.action}
        self.tasks.append({**names, **counts, "seconds": 0.0, "processor": 0.0})
        self.by_id[task._uuid] = self.tasks[-1]
        self.begin = _now()

    def _count(self, result: Any, kind: str) -> None:
        if entry := self.by_id.get(result._task._uuid):
            entry[kind] += 1
            entry["cached"] += bool(result._result.get("from_cached_result", False))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a result."""
        self._count(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Count a skipped task."""
        self._count(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Count a failure."""
        self._count(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Count an unreachable host."""
        self._count(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report."""
        self._end()
        if directory := self.get_option("profiles"):
            self.profile.disable()
            self.profile.dump_stats(Path(directory) / "main.prof")
        Path(self.get_option("report")).write_text(json.dumps({"tasks": self.tasks}), encoding="utf-8")


def profile_workers(directory: Path, main: cProfile.Profile) -> None:
    """Let some of the workers that are forked from now on write a profile; they have no hook for that."""
    plain = WorkerProcess._run

    def run(worker: Any) -> Any:
        main.disable()
        if os.getpid() % SAMPLE:
            return plain(worker)
        profile = cProfile.Profile(time.process_time)
        try:
            return profile.runcall(plain, worker)
        finally:
            # Its result is sent, so it may be killed at any time.
            place = directory / f"worker-{os.getpid()}.prof"
            profile.dump_stats(place.with_suffix(".part"))
            place.with_suffix(".part").rename(place)

    WorkerProcess._run = run


def _now() -> tuple[float, float]:
    """Return the time, and the processor time of this process and of its children that have ended."""
    spent = os.times()
    return time.monotonic(), spent.user + spent.system + spent.children_user + spent.children_system
