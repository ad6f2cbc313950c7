# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks a cluster until this run ends."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _run_lock
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._turns import keys, place_of_locks


class ActionModule(ActionBase):
    """Runs module cluster_lock on a master, and leaves a process that renews the lock."""

    _supports_check_mode = True
    _supports_diff = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Lock; fail if another run has the lock."""
        result = super().run(tmp, task_vars)
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "lock": "none", "reason": "check mode locks nothing"}
        variables = task_vars or {}
        run, place = _run_lock.this_run(), place_of_locks()
        arguments = {
            **self._task.args,
            "operation": self._task.args.get("operation") or playbook_name(),
            "holder": self._task.args.get("holder") or _run_lock.holder_of(run),
        }
        _run_lock.lock_on_controller(
            place, keys("cluster", variables), run, arguments["holder"], arguments["operation"]
        )
        found = self._call(arguments, variables, "present")
        if found.get("failed") and _run_lock.is_dead(found.get("holder", "")):
            found = self._call({**arguments, "take_over": found["holder"]}, variables, "present")
        result.update(found)
        if result.get("lock") == "held":
            arguments.pop("take_over", None)
            taken = found["places"]
            _run_lock.keep_renewing(
                place,
                run,
                str(self._play_context.remote_addr or "localhost"),
                "api" if arguments.get("servers") else "etcd",
                lambda state: self._renew({**arguments, "step": step_of(arguments, run)}, variables, state, taken),
            )
        elif not result.get("failed") and not result.get("unreachable"):
            Display().v(f"cluster: locked on this controller only: {result.get('reason', '')}")
        return result

    def _call(self, arguments: dict[str, Any], variables: dict[str, Any], state: str) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(
            module_name="hardway.kubernetes.cluster_lock",
            module_args={**arguments, "state": state},
            task_vars=variables,
        )
        return found

    def _renew(
        self, arguments: dict[str, Any], variables: dict[str, Any], state: str, taken: list[str]
    ) -> dict[str, Any]:
        """Run the module in the process that renews, which outlives the temporary files and the display of the run."""
        Display()._final_q = None  # type: ignore[attr-defined]
        shell = self._connection._shell
        with tempfile.TemporaryDirectory(prefix="hardway-lock-") as directory:
            C.DEFAULT_LOCAL_TMP = directory
            shell.tmpdir = None
            try:
                found = self._call(arguments, variables, state)
                # Where this host has locked and cannot renew, another one must.
                lost = state == "present" and not set(taken) <= set(found.get("places", []))
                return {**found, "lock": "none"} if lost else found
            finally:
                self._remove_tmp_path(shell.tmpdir)


def step_of(arguments: dict[str, Any], run: _run_lock.Process) -> str:
    """Return the task that runs now."""
    return arguments.get("step") or _run_lock.step(place_of_locks(), run)


def playbook_name() -> str:
    """Return the name of the playbook that was started."""
    arguments = context.CLIARGS.get("args") or ()
    return " ".join(os.path.basename(str(name)) for name in arguments) or "a task"
