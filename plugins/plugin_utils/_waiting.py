# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that may wait for long: while one runs, its task is shown every half minute. A module cannot print."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

INTERVAL = 30.0


@contextmanager
def shown_while_waiting(host: str, task: str, interval: float = INTERVAL) -> Iterator[None]:
    """Show the task and its host until the block ends. Workers display through a queue, so threads may."""
    ended, begin = threading.Event(), time.monotonic()

    def show() -> None:
        while not ended.wait(interval):
            Display().display(f"waiting: [{host}] {task}: for {time.monotonic() - begin:.0f} s")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class WaitingAction(ActionBase):
    """Runs the module of the same name."""

    MODULE: ClassVar[str]
    _supports_check_mode = True
    _supports_diff = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        result = super().run(tmp, task_vars)
        with shown_while_waiting(str((task_vars or {}).get("inventory_hostname", "")), self._task.get_name()):
            result.update(
                self._execute_module(
                    module_name=f"hardway.kubernetes.{self.MODULE}",
                    module_args=self._task.args,
                    task_vars=task_vars,
                    wrap_async=self._task.async_val,
                )
            )
        return result
