# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the work of module pki_store on the controller without a module process."""

from __future__ import annotations

import tempfile
from typing import Any

from ansible import constants as C
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import LocalAction


class ActionModule(LocalAction):
    """Runs in this process on the controller, else as a module."""

    module = "pki_store"

    def run_module(self, module: Any, params: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the module's result, and show its warnings."""
        # Ansible removes its own temporary directory when the run ends.
        preview = tempfile.mkdtemp(prefix="pki-", dir=C.DEFAULT_LOCAL_TMP) if check else ""
        found = dict(module.run(params, check, preview))
        for line in found.pop("warnings"):
            self._display.warning(line)
        return found
