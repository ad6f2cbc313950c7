# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module host_settings, unless a cached result is valid."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedAction

MODULE = "hardway.kubernetes.host_settings"


class ActionModule(CachedAction):
    """Connects to the host only if no cached result is valid."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        return self.cached(MODULE, self._task.args, task_vars or {})
