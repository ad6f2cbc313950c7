# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one archive of what module support_info has gathered, on the controller."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import support_bundle
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction

_SPEC = {
    "path": {"type": "path", "required": True},
    "files": {"type": "dict", "default": {}},
    "hosts": {"type": "dict", "default": {}},
}


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the archive."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(_SPEC)
        path = os.path.abspath(args["path"])
        hosts = {host: found or {} for host, found in args["hosts"].items()}
        name = os.path.basename(path).removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
        size = 0
        if not self._task.check_mode:
            try:
                size = support_bundle.write(path, name, args["files"], hosts)
            except HardwayError as exc:
                return {**result, "failed": True, "msg": str(exc)}
        # The archive is a report of one moment: every run writes one.
        result.update(changed=False, path=path, size=size, unreachable_hosts=support_bundle.unreachable(hosts))
        return result
