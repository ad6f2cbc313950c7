# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the work of module pki_store on the controller without a module process."""

from __future__ import annotations

import tempfile
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import is_local, run_locally

MODULE = "hardway.kubernetes.pki_store"


class ActionModule(ActionBase):
    """Runs in this process on the controller, else as a module."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result = super().run(tmp, task_vars)
        if not is_local(self, task_vars or {}):
            return self._execute_module(MODULE, self._task.args, task_vars=task_vars)
        from ansible_collections.hardway.kubernetes.plugins.modules import pki_store

        def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
            # Ansible removes its own temporary directory when the run ends.
            preview = tempfile.mkdtemp(prefix="pki-", dir=C.DEFAULT_LOCAL_TMP) if check else ""
            found = pki_store.run(params, check, preview)
            for line in found.pop("warnings"):
                self._display.warning(line)
            return found

        try:
            return {**result, **run_locally(self, pki_store.SPEC, self._task.args, run)}
        except HardwayError as exc:
            return {**result, "failed": True, "msg": str(exc)}
