# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the duration of a run by play, role and task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timing
type: aggregate
short_description: Report the duration of plays, roles and tasks
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Measures each play, role and task, and prints the plays and the slowest tasks at the end.
  - Counts the tasks that ran on at least one host, and the results of hosts.
options:
  report:
    description: File for a JSON report of everything. Nothing is printed then.
    type: path
    env:
      - name: HARDWAY_TIMING_REPORT
    ini:
      - section: callback_timing
        key: report
  slowest:
    description: How many of the slowest tasks to print.
    type: int
    default: 10
    env:
      - name: HARDWAY_TIMING_SLOWEST
    ini:
      - section: callback_timing
        key: slowest
requirements:
  - Enabled by C(callbacks_enabled = hardway.kubernetes.timing) or E(ANSIBLE_CALLBACKS_ENABLED).
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class Span:
    """Duration and results of one play or task; a task that all hosts skip has no results."""

    def __init__(self, name: str, role: str = "", play: str = "", module: str = "") -> None:
        """Start the clock."""
        self.name, self.role, self.play, self.module = name, role, play, module
        self.begin = time.monotonic()
        self.seconds = 0.0
        self.results = 0
        self.changed = 0
        # Results from the cache of an earlier run.
        self.cached = 0

    def end(self) -> None:
        """Stop the clock."""
        self.seconds = time.monotonic() - self.begin

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the report."""
        names = ("name", "role", "play", "module", "seconds", "results", "changed", "cached")
        return {key: getattr(self, key) for key in names}


class CallbackModule(CallbackBase):
    """Measures plays and tasks; a task ends when the next one starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "hardway.kubernetes.timing"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Start the clock of the run."""
        super().__init__()
        self.begin = time.monotonic()
        self.plays: list[Span] = []
        self.tasks: list[Span] = []
        self.by_id: dict[str, Span] = {}

    def _end_task(self) -> None:
        if self.tasks and not self.tasks[-1].seconds:
            self.tasks[-1].end()

    def _end_play(self) -> None:
        self._end_task()
        if self.plays and not self.plays[-1].seconds:
            self.plays[-1].end()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the previous play and start this one."""
        self._end_play()
        self.plays.append(Span(play.get_name()))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """End the previous task and start this one."""
        self._end_task()
        role = task._role.get_name() if task._role else ""
        span = Span(task.name or task.action, role, self.plays[-1].name if self.plays else "", task.action)
        self.tasks.append(span)
        self.by_id[task._uuid] = span

    def _count(self, result: Any, changed: bool) -> None:
        span = self.by_id.get(result._task._uuid)
        if span:
            span.results += 1
            span.changed += changed
            span.cached += bool(result._result.get("from_cached_result", False))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a result."""
        self._count(result, bool(result._result.get("changed", False)))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Count a failure as a result."""
        self._count(result, False)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report, or print the summary."""
        self._end_play()
        total = time.monotonic() - self.begin
        report = self.get_option("report")
        if report:
            spans = {"plays": self.plays, "tasks": self.tasks}
            content = {"seconds": total, **{key: [span.as_dict() for span in value] for key, value in spans.items()}}
            Path(report).write_text(json.dumps(content, indent=1), encoding="utf-8")
            return
        executed = sum(1 for task in self.tasks if task.results)
        self._display.banner(f"TIMING {total:.1f} s, {executed} tasks, {sum(t.results for t in self.tasks)} results")
        for play in self.plays:
            self._display.display(f"{play.seconds:7.1f}  {play.name}")
        self._display.display("slowest tasks:")
        for task in sorted(self.tasks, key=lambda task: -task.seconds)[: self.get_option("slowest")]:
            self._display.display(f"{task.seconds:7.1f}  {task.role + ' : ' if task.role else ''}{task.name}")
