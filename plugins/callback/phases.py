# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a run by phases."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: stdout
short_description: Show phases, what is waited for, and changes
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Shows a line for each phase, which is a play or a batch of it, with the
    hosts that completed it, its seconds, and its seconds in the last completed
    run of the same playbook, inventory and options.
  - Names each task that changed something, and its hosts; in check mode, each
    that would.
  - Shows every error once and whole, every warning, the messages of
    M(ansible.builtin.debug) as text, and diffs with C(--diff).
  - On a terminal the last line shows what the run waits for now. Elsewhere a
    line shows it after each 30 seconds without another one.
  - With C(-v) the output of P(ansible.builtin.default#callback) is between the
    lines of the phases.
options:
  interval:
    description: Seconds after which a line shows what is waited for.
    type: float
    default: 30
    env:
      - name: HARDWAY_PROGRESS_INTERVAL
    ini:
      - section: callback_progress
        key: interval
  last_runs:
    description:
      - Directory for the durations of completed runs, one small file for each
        combination of playbook, inventory and options.
    type: path
    default: ~/.cache/hardway-runs
    env:
      - name: HARDWAY_LAST_RUNS
    ini:
      - section: callback_phases
        key: last_runs
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - Enabled by C(stdout_callback = hardway.kubernetes.phases) or
    E(ANSIBLE_STDOUT_CALLBACK).
"""

import atexit
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _phases as texts
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._last_run import LastRun, resolved
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._live_line import LiveLine
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._progress import NAMED, named

# Seconds between two drawings on a terminal. Elsewhere nothing is drawn.
DRAWN = 0.2
# Options that decide which tasks run, so runs with others take other times.
OPTIONS = ("check", "subset", "tags", "skip_tags", "start_at_task")
DEBUG = ("debug", "ansible.builtin.debug", "ansible.legacy.debug")


class CallbackModule(Default):  # type: ignore[misc]
    """Collects what happens, and prints a part of it; a thread prints what is waited for."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "hardway.kubernetes.phases"

    def __init__(self) -> None:
        """Start nothing yet: the options are not known."""
        super().__init__()
        self._phase: texts.Phase | None = None
        self._play_id = ""
        self._tasks: dict[str, texts.Task] = {}
        self._errors: set[str] = set()
        self._live: LiveLine | None = None
        self._thread: threading.Thread | None = None
        self._printed = time.monotonic()

    # What a run consists of.

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Show what begins."""
        self._name = Path(playbook._file_name).name
        self._begin = time.monotonic()
        self._checked = bool(context.CLIARGS.get("check"))
        plays = playbook.get_plays()
        self._phases_total, self._number, self._batch = len(plays), 0, 1
        self._took: dict[str, float] = {}
        options = [
            sorted(found) if isinstance(found := context.CLIARGS.get(name), (list, tuple)) else found
            for name in OPTIONS
        ]
        # The names of plays: a plan that is not confirmed ends before the plays that change something.
        key = (os.path.realpath(playbook._file_name), resolved(context.CLIARGS.get("inventory") or ()), options)
        self._last = LastRun(Path(self.get_option("last_runs")), *key, [play.get_name() for play in plays])
        said = "check mode, nothing is changed; " if self._checked else ""
        last = f"; last run {texts.duration(self._last.seconds)}" if self._last.seconds is not None else ""
        self._print(f"{self._name}: {said}{texts.phases(len(plays))}{last}")
        self._follow()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the phase before, and begin another one."""
        self._end_phase()
        self._play = play
        again = play._uuid == self._play_id
        self._batch = self._batch + 1 if again else 1
        self._number += not again
        self._play_id = play._uuid
        name, now = play.get_name().strip(), time.monotonic()
        phase = texts.Phase(self._number, self._phases_total, self._batch, name, now)
        phase.last = self._last.phases.get(phase.key)
        self._shown, self._phase = False, phase

    def v2_playbook_on_vars_prompt(self, *_arguments: Any, **_options: Any) -> None:
        """End the phase, so that nothing is drawn over the question."""
        self._end_phase()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Leave it to the end of the phase to say so."""
        if self._phase:
            self._phase.matched = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Show what the tasks before have changed."""
        self._end_tasks()
        if not self._live:
            self._head()
        if self._display.verbosity:
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Show what the tasks before have changed."""
        self._end_tasks()
        if self._display.verbosity:
            super().v2_playbook_on_handler_task_start(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note that a host is waited for."""
        name = host.get_name()
        if self._phase:
            self._phase.hosts[name] = None
        found = self._tasks.setdefault(task._uuid, texts.Task(texts.name_of(task)))
        found.started += 1
        found.waiting[name] = None
        super().v2_runner_on_start(host, task)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show the whole run."""
        self._end_phase()
        self._close()
        summaries = {host: stats.summarize(host) for host in sorted(stats.processed)}
        seconds = time.monotonic() - self._begin
        complete = not any(each["failures"] or each["unreachable"] for each in summaries.values())
        time_text = texts.duration(seconds) + texts.compared(self._last.seconds)
        mode = " (check mode)" if self._checked else ""
        self._print(
            f"{self._name}{mode}: {'completed' if complete else 'FAILED'}, {time_text}",
            C.COLOR_OK if complete else C.COLOR_ERROR,
        )
        for line in texts.recap(summaries, self._checked):
            self._print(f"  {line}")
        if stats.custom and self.get_option("show_custom_stats"):
            self._print(texts.indented(self._dump_results(stats.custom), "  "))
        if complete:
            self._last.write(seconds, self._took)

    # Results.

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show a message, note a change."""
        if self._finished(result):
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings(result.result)
        if result.result.get("changed", False):
            self._task_of(result).changed[result.host.get_name()] = None
        if not self._has_items(result):
            self._message(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Show warnings."""
        if self._finished(result):
            super().v2_runner_on_skipped(result)
            return
        self._handle_warnings(result.result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show an error."""
        ignored = "ignored" if ignore_errors else "handled" if texts.is_handled(result.task) else ""
        if self._phase and not ignored:
            self._phase.failed[result.host.get_name()] = None
        if self._finished(result):
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._handle_warnings(result.result)
        # Those of the items were shown.
        if result.host.get_name() not in self._task_of(result).failed_items:
            self._error(result, "FAILED", ignored)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show an unreachable host."""
        ignored = "ignored" if result.task.ignore_unreachable else ""
        if self._phase and not ignored:
            self._phase.unreachable[result.host.get_name()] = None
        if self._finished(result):
            super().v2_runner_on_unreachable(result)
            return
        self._handle_warnings(result.result)
        self._error(result, "UNREACHABLE", ignored)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show a message."""
        if self._display.verbosity:
            super().v2_runner_item_on_ok(result)
            return
        self._handle_warnings(result.result)
        self._message(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Show warnings."""
        if self._display.verbosity:
            super().v2_runner_item_on_skipped(result)
            return
        self._handle_warnings(result.result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Show the error of an item."""
        if self._display.verbosity:
            super().v2_runner_item_on_failed(result)
            return
        self._handle_warnings(result.result)
        ignored = "ignored" if result.task.ignore_errors else "handled" if texts.is_handled(result.task) else ""
        self._task_of(result).failed_items.add(result.host.get_name())
        self._error(result, "FAILED", ignored, f" (item={self._get_item_label(result.result)})")

    def v2_runner_retry(self, result: Any) -> None:
        """Note how often a task will be tried again."""
        if self._display.verbosity:
            super().v2_runner_retry(result)
            return
        self._task_of(result).retries = result.result["retries"] - result.result["attempts"]

    def v2_on_file_diff(self, result: Any) -> None:
        """Show a diff below its task."""
        if self._display.verbosity:
            super().v2_on_file_diff(result)
            return
        results = result.result["results"] if self._has_items(result) else [result.result]
        diffs = [self._get_diff(each["diff"]) for each in results if each.get("diff") and each.get("changed")]
        if any(diffs):
            self._head()
            self._print(f"  diff: {texts.name_of(result.task)} [{self.host_label(result)}]")
            self._print(texts.indented("".join(diffs), "    "))

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Show included files with -v only."""
        if self._display.verbosity:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Show it with -v only; the phase names its hosts that failed."""
        if self._display.verbosity:
            super().v2_playbook_on_no_hosts_remaining()

    # How it is shown.

    def _print(self, text: str, colour: str | None = None, stderr: bool = False) -> None:
        """Print a text at once, also where the output is a pipe."""
        self._printed = time.monotonic()
        self._display.display(text, color=colour, stderr=stderr)
        with suppress(OSError):
            (sys.stderr if stderr else sys.stdout).flush()

    def _head(self) -> None:
        """Print which phase the next lines belong to, once."""
        if self._phase and not self._shown:
            self._shown = True
            self._print(f"{self._phase.label}{texts.compared(self._phase.last)}")

    def _finished(self, result: Any) -> bool:
        """Note that a host has finished a task; return whether the default output is asked for."""
        self._task_of(result).waiting.pop(result.host.get_name(), None)
        return bool(self._display.verbosity)

    def _task_of(self, result: Any) -> texts.Task:
        return self._tasks.setdefault(result.task._uuid, texts.Task(texts.name_of(result.task)))

    @staticmethod
    def _has_items(result: Any) -> bool:
        return bool(result.task.loop) and "results" in result.result

    def _message(self, result: Any) -> None:
        """Show the message of a debug task as text."""
        if result.task.action not in DEBUG or result.result.get("_ansible_no_log"):
            return
        self._clean_results(result.result, result.task.action)
        if "msg" in result.result:
            text = texts.message(result.result["msg"])
        else:
            text = self._dump_results(result.result).strip()
        self._head()
        label = "" if result.task.run_once else f"[{self.host_label(result)}] "
        self._print(texts.indented(f"{label}{text}", "  "))

    def _error(self, result: Any, verb: str, ignored: str, item: str = "") -> None:
        """Show an error; one that was shown before is named at the end of its task."""
        text = texts.error_text(result.result)
        verb = f"{verb} ({ignored})" if ignored else verb
        if text in self._errors:
            self._task_of(result).repeated.setdefault(verb, {})[result.host.get_name()] = None
            return
        self._errors.add(text)
        self._head()
        heading = f"{verb} [{self.host_label(result)}] {texts.name_of(result.task)}{item}"
        colour = C.COLOR_SKIP if ignored else C.COLOR_ERROR
        stderr = bool(self.get_option("display_failed_stderr"))
        self._print(f"  {heading}\n{texts.indented(text, '    ')}", colour, stderr)

    def _end_tasks(self) -> None:
        """Show what the tasks that all hosts have finished changed."""
        for uuid, task in list(self._tasks.items()):
            if task.waiting:
                continue
            del self._tasks[uuid]
            for verb, hosts in task.repeated.items():
                self._head()
                self._print(f"  {verb} [{named(hosts)}] {task.name}: an error shown above")
            if task.changed and not self._display.verbosity:
                self._head()
                verb = "would change" if self._checked else "changed"
                changed = self._phase.ordered(task.changed) if self._phase else list(task.changed)
                self._print(f"  {verb}: {task.name} [{named(changed)}]", C.COLOR_CHANGED)

    def _end_phase(self) -> None:
        """Show the end of a phase."""
        if not self._phase:
            return
        # A run that ends early does not wait for its hosts.
        for task in self._tasks.values():
            task.waiting.clear()
        self._end_tasks()
        phase, self._phase = self._phase, None
        now = time.monotonic()
        lost = bool(phase.failed or phase.unreachable)
        if not lost:
            self._took[phase.key] = now - phase.begin
        self._print(phase.ended(now), C.COLOR_ERROR if lost else C.COLOR_OK if phase.hosts else C.COLOR_SKIP)

    # What is waited for.

    def _follow(self) -> None:
        """Start the thread."""
        self._close()
        if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not self._display.verbosity:
            self._live = LiveLine(sys.stdout, *([sys.stderr] if sys.stderr.isatty() else []))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()
        atexit.register(self._close)

    def _tick(self) -> None:
        """Show what is waited for until the run ends; a run does not fail because nothing can be printed."""
        interval = float(self.get_option("interval"))
        with suppress(OSError, ValueError):
            while not self._ended.wait(DRAWN if self._live else min(interval, 1.0)):
                now, phase, tasks = time.monotonic(), self._phase, list(self._tasks.values())
                if phase and self._live:
                    self._live.draw(texts.waited_for(phase, tasks, now, texts.FEW))
                elif phase and now - self._printed >= interval:
                    self._print(f"  {texts.waited_for(phase, tasks, now, NAMED)}")

    def _close(self) -> None:
        """End the thread, and erase the line."""
        if self._thread:
            self._ended.set()
            self._thread.join()
            self._thread = None
        if self._live:
            with suppress(OSError, ValueError):
                self._live.close()
            self._live = None
