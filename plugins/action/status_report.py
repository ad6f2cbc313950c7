# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates what was gathered for the status of a cluster, and prints it in colours."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.utils.display import Display
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import status_html, status_report, status_text
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import Limits, State
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction

_COLOURS = {"ok": "green", "warning": "yellow", "critical": "red", "unknown": "cyan"}
_SPEC = {
    "inventory": {"type": "dict", "required": True},
    "hosts": {"type": "dict", "required": True},
    "cluster": {"type": "dict", "default": {}},
    "backup_hours": {"type": "float", "default": 26},
    "fail_on": {"type": "str", "choices": ["critical", "warning", "never"], "default": "critical"},
}


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the status."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(_SPEC)
        cluster = args["cluster"] or {}
        state = State(
            inventory=args["inventory"],
            hosts={host: found or {} for host, found in args["hosts"].items()},
            # A failed or skipped task has gathered nothing.
            cluster={} if cluster.get("failed") or cluster.get("unreachable") else cluster,
            now=datetime.now(timezone.utc),
            limits=Limits(backup_hours=args["backup_hours"]),
        )
        report = status_report.report(state)
        lines = status_text.lines(report)
        for severity, line in lines:
            Display().display(line, color=_COLOURS.get(severity, "normal"))
        result.update(
            changed=False,
            severity=report["severity"],
            verdict=status_text.verdict(report, args["fail_on"]),
            report=report,
            lines=[line for _severity, line in lines],
            metrics=status_text.metrics(report, state),
            html=status_html.page(report),
        )
        return result
