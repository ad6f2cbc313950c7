# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs module unit so that only one host at a time, or a few, restart their units."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import check_type_int
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedResult
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._turns import Turn

MODULE = "hardway.kubernetes.unit"
TURNS = {"at_once": 1, "may_fail": 0}


class ActionModule(ActionBase):
    """Runs the module once without restarts, and again, with the lock held, if units must restart."""

    _VALID_ARGS = frozenset(("units", "rolling", "rolling_at_once", "rolling_may_fail", "gate"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the merged result of both calls."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        # They decide no result.
        turns = {name: _number(self._task.args, f"rolling_{name}", default) for name, default in TURNS.items()}
        cache = CachedResult(self, MODULE, self._task.args, task_vars)
        if cache.valid is not None:
            return cache.valid
        predicted = {"_predicted": cache.predicted} if cache.predicted else {}
        return cache.processed(self._rounds({**self._task.args, **cache.option, **predicted}, task_vars, turns))

    def _rounds(self, arguments: dict[str, Any], task_vars: dict[str, Any], turns: dict[str, int]) -> dict[str, Any]:
        rolling = arguments.get("rolling")
        first = self._execute_module(MODULE, {**arguments, "_hold": bool(rolling)}, task_vars=task_vars)
        held = first.pop("_held", [])
        if first.get("failed") or not held:
            return first
        host = str(task_vars.get("inventory_hostname", "?"))
        with Turn(str(rolling), self._task._uuid, host, task_vars, **turns) as turn:
            second = self._execute_module(
                MODULE, {**arguments, "_hold": False, "_stopped_by": turn.stopped_by}, task_vars=task_vars
            )
            if second.get("failed") or second.get("unreachable"):
                turn.failed(str(second.get("msg", "")))
        second.pop("_held", None)
        return _merged(first, second)


def _number(arguments: dict[str, Any], name: str, default: int) -> int:
    """Take an option out of the arguments, and return its value."""
    given = arguments.pop(name, default)
    try:
        return int(check_type_int(given))
    except TypeError as exc:
        raise AnsibleActionFail(f"unit: {name}: {given!r} is not a number; correct it") from exc


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the second result, merged with the actions of the first."""
    merged = {**first, **second}
    merged["changed"] = bool(first.get("changed") or second.get("changed"))
    done = {name: deed for name, deed in second.get("units", {}).items() if deed["action"] != "none"}
    merged["units"] = {**second.get("units", {}), **first.get("units", {}), **done}
    if "diff" in first or "diff" in second:
        merged["diff"] = [*first.get("diff", []), *second.get("diff", [])]
    return merged
