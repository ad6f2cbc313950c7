# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints what a run waits for."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: aggregate
short_description: Print long tasks, and note the current one for the lock
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Prints a line for each task that has been running for 30 seconds, and again after each further 30 seconds.
  - The line names the task and the hosts that have not finished it.
  - Prints nothing beside P(hardway.kubernetes.phases#callback), which shows the same.
  - Notes the task that runs, which M(hardway.kubernetes.cluster_lock) shows to other runs.
options:
  interval:
    description: Seconds between two lines of a task.
    type: float
    default: 30
    env:
      - name: HARDWAY_PROGRESS_INTERVAL
    ini:
      - section: callback_progress
        key: interval
requirements:
  - Enabled by C(callbacks_enabled = hardway.kubernetes.progress) or E(ANSIBLE_CALLBACKS_ENABLED).
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _progress, _run_lock
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._turns import place_of_locks

# It shows what a run waits for itself.
PRINTS_ITSELF = "hardway.kubernetes.phases"


class CallbackModule(CallbackBase):
    """Reports to a process of its own which host starts and finishes which task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "hardway.kubernetes.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Start nothing yet: the options are not known."""
        super().__init__()
        self._printer: subprocess.Popen[bytes] | None = None
        self._notes: tuple[Path, _run_lock.Process] | None = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Start the process; it ends with this one, however this one ends."""
        if C.DEFAULT_STDOUT_CALLBACK != PRINTS_ITSELF:
            self._start()
        run = _run_lock.process(os.getpid())
        with suppress(AnsibleError, OSError):
            self._notes = (place_of_locks(), run) if run else None

    def _start(self) -> None:
        """Start the process that prints."""
        command = [sys.executable, "-I", "-S", _progress.__file__, str(self.get_option("interval"))]
        # Ansible's standard output is not inherited unless it is named.
        self._printer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=1, start_new_session=True)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note the task."""
        if self._notes:
            _run_lock.note_step(*self._notes, task.get_name())

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Report that a host starts a task."""
        self._send(task._uuid, host.get_name(), task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Report that a host has finished a task."""
        self._send(result._task._uuid, result._host.get_name())

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Report that a host has finished a task."""
        self.v2_runner_on_ok(result)

    v2_runner_on_skipped = v2_runner_on_unreachable = v2_runner_on_ok

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End the process, and forget the task."""
        self._end()
        if self._notes:
            _run_lock.forget_step(*self._notes)

    def _send(self, *words: str) -> None:
        """Send one line."""
        if self._printer and self._printer.stdin:
            try:
                self._printer.stdin.write(json.dumps(words).encode() + b"\n")
                self._printer.stdin.flush()
            except OSError:
                # A run does not fail because nothing can be printed.
                self._end()

    def _end(self) -> None:
        """Close the process's input, by which it ends."""
        if self._printer and self._printer.stdin:
            with suppress(OSError):
                self._printer.stdin.close()
            self._printer.wait()
            self._printer = None
