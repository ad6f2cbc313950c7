# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the work of module pki_ca on the controller without a module process."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import LocalAction


class ActionModule(LocalAction):
    """Runs in this process on the controller, else as a module."""

    module = "pki_ca"

    def run_module(self, module: Any, params: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the module's result, and show its warnings."""
        made = super().run_module(module, params, check)
        for line in module.warnings(params):
            self._display.warning(line)
        return made
