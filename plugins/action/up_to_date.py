# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module up_to_date with the cached results on which the tasks of this run have relied."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import used_results

MODULE = "hardway.kubernetes.up_to_date"


class ActionModule(ActionBase):
    """Adds what only the controller knows."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        used = used_results(task_vars or {})
        found: dict[str, Any] = self._execute_module(MODULE, {"results": used, **self._task.args}, task_vars=task_vars)
        return found
