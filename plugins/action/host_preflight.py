# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module host_preflight, and adds checks of the clock and of pipelining, which need the controller.

What an earlier run of it has returned is returned again, without contacting the host.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import hosts

MODULE = "hardway.kubernetes.host_preflight"


class ActionModule(ActionBase):
    """Runs the module, and reads the controller's clock before and after it."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        known = self._task.args.pop("known", None) or {}
        if "time" in known:
            return dict(known)
        before = time.time()
        result: dict[str, Any] = self._execute_module(MODULE, task_vars=task_vars)
        if "time" in result:
            after = time.time()
            clock = hosts.clock_obstacles(result["time"], before, after)
            pipelined = self._is_pipelining_enabled("new")
            found = [*clock, *([] if pipelined else [hosts.NOT_PIPELINED])]
            given = self._task.args.get("skip") or []
            skipped = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
            result["clock"] = [] if "clock" in skipped else [result["time"] - after, result["time"] - before]
            result["obstacles"] += [entry for entry in found if entry["check"] not in skipped]
        return result
