# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges the results of pki_info of all hosts, and prints them in colours."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.utils.display import Display
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect import report
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction

_COLOURS = {"ok": "green", "warning": "yellow", "state": "normal"}


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the report."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec({"inspections": {"type": "dict", "required": True}})
        results = args["inspections"]
        if others := [host for host, found in results.items() if not isinstance(found, dict)]:
            reason = "not a mapping; set the results of hardway.kubernetes.pki_info by host"
            return {**result, "failed": True, "msg": f"inspections: {', '.join(others)}: {reason}"}
        rows = report.gathered(results)
        problems = report.problems(results, rows)
        lines = [*report.table(rows), report.summary(rows, problems)]
        for state, line in lines:
            Display().display(line, color=_COLOURS.get(state, "red"))
        now = datetime.now(timezone.utc)
        result.update(
            changed=False,
            certificates=rows,
            problems=problems,
            expiring=report.warnings(rows),
            table=[line for _state, line in lines],
            metrics=report.metrics(results, rows, problems, now),
        )
        return result
