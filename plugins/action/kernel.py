# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module kernel, unless a cached result is valid."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedResult

MODULE = "hardway.kubernetes.kernel"


class ActionModule(ActionBase):
    """Connects to the host only if no cached result is valid."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        cache = CachedResult(self, MODULE, self._task.args, task_vars or {})
        if cache.valid is not None:
            return cache.valid
        return cache.processed(self._execute_module(MODULE, {**self._task.args, **cache.option}, task_vars=task_vars))
