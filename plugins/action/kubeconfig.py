# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module kubeconfig, unless a cached result is valid; on the controller without a module process."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedAction
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import is_local, run_locally

MODULE = "hardway.kubernetes.kubeconfig"


class ActionModule(CachedAction):
    """Connects to the host only if no cached result is valid."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        if is_local(self, variables):
            return {**result, **self._run_locally()}
        return self.cached(MODULE, self._task.args, variables)

    def _run_locally(self) -> dict[str, Any]:
        """Do the module's work in this process."""
        from ansible_collections.hardway.kubernetes.plugins.modules.kubeconfig import SPEC, run

        try:
            return run_locally(self, SPEC, self._task.args, run)
        except HardwayError as exc:
            return {"failed": True, "msg": str(exc)}
