# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules for the controller itself in this process, because starting a module takes most of its time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


def is_local(action: ActionBase, variables: Mapping[str, Any]) -> bool:
    """Return whether the module would run on this machine, as this user, with this Python."""
    if action._task.delegate_to:
        variables = (variables.get("ansible_delegated_vars") or {}).get(action._task.delegate_to) or {}
    same = str(variables.get("ansible_python_interpreter", sys.executable)) == sys.executable
    return same and action._connection.transport == "local" and not action._connection.become


def run_locally(
    action: ActionBase,
    spec: Mapping[str, Any],
    arguments: Mapping[str, Any],
    run: Callable[[dict[str, Any], bool], dict[str, Any]],
) -> dict[str, Any]:
    """Return the result of ``run`` with the validated arguments and check mode.

    Raises HardwayError for invalid arguments, and the exceptions of ``run``.
    """
    return run(checked_arguments(action, spec, arguments), bool(action._task.check_mode))


def checked_arguments(action: ActionBase, spec: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with their defaults, validated as for a module; raise HardwayError if invalid."""
    checked = ArgumentSpecValidator(spec).validate(dict(arguments))
    if checked.error_messages:
        raise HardwayError(f"{action._task.action}: {'; '.join(checked.error_messages)}")
    return checked.validated_parameters


class LocalAction(ActionBase):
    """Runs a module for the controller in this process, else as a module."""

    _supports_check_mode = True
    _supports_diff = True
    # Name of the module.
    module = ""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result = super().run(tmp, task_vars)
        if not is_local(self, task_vars or {}):
            return self._execute_module(f"hardway.kubernetes.{self.module}", self._task.args, task_vars=task_vars)
        module = import_module(f"ansible_collections.hardway.kubernetes.plugins.modules.{self.module}")

        def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
            return self.run_module(module, params, check)

        try:
            return {**result, **run_locally(self, module.SPEC, self._task.args, run)}
        except HardwayError as exc:
            return {**result, "failed": True, "msg": str(exc)}

    def run_module(self, module: Any, params: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what the module's function ``run`` returns."""
        return dict(module.run(params, check))
