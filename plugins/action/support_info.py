# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module support_info, and keeps what it gathered in a file instead of the memory and the output of the run."""

from __future__ import annotations

import base64
import os
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

MODULE = "hardway.kubernetes.support_info"


class ActionModule(ActionBase):
    """Runs the module on the host, and writes its content on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result, with the path of the content instead of it."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        result: dict[str, Any] = self._execute_module(MODULE, task_vars=task_vars)
        content = result.pop("content", None)
        if content is not None:
            # Only this user can read it, and Ansible removes it at the end of the run.
            directory = os.path.join(constants.DEFAULT_LOCAL_TMP, "hardway-support")
            os.makedirs(directory, mode=0o700, exist_ok=True)
            part = os.path.join(directory, str(task_vars["inventory_hostname"]).replace("/", "_"))
            with open(part, "wb") as stream:
                stream.write(base64.b64decode(content))
            result["part"] = part
        return result
