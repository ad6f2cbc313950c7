# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of cached results: a task with a valid one is answered without a connection to the host."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._predictions import noted, with_predictions

# What module cached results told of a host, and the fact that makes it void.
VARIABLE = "_host_cached_results"
FACT = "hardway_cached_results_void"
PLUGINS = Path(__file__).resolve().parent.parent


def shared_files(plugins: Path) -> list[Path]:
    """Return the code that modules share, in whatever package it is."""
    return sorted((plugins / "module_utils").rglob("*.py"))


# What modules share. The main process loads this file before it makes workers, which would each read all that anew.
_SHARED_FILES = shared_files(PLUGINS)
_SHARED = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in _SHARED_FILES)


class CachedResult:
    """One task's cached result: asked for before its module runs, and left by it."""

    def __init__(
        self,
        action: ActionBase,
        module: str,
        arguments: Mapping[str, Any],
        task_vars: Mapping[str, Any],
        *,
        believe: bool = True,
    ) -> None:
        """Take all that decides what the task does; the result of module cached results is found among the variables.

        Who does not ``believe`` neither asks for a cached result nor leaves one.
        """
        told = task_vars.get(VARIABLE) or {}
        # The variables of a delegated task are those of another host than it runs on.
        ours = told if isinstance(told, Mapping) and not action._task.delegate_to else {}
        usable = bool(ours.get("salt"))
        # The operator wants every task to look, and to look closely.
        self.distrusted = ours.get("believed") is False
        self._told: Mapping[str, Any] = ours if usable else {}
        # What names this run on this host, empty where nothing was told. On a clean host a check has this, and no salt.
        self.nonce = str(ours.get("nonce", "")) if usable or action._task.check_mode else ""
        # The facts that a delegated task leaves would be those of the wrong host.
        self._predicts = bool(action._task.check_mode) and not action._task.delegate_to
        self._task_vars = task_vars
        self._void = (task_vars.get("ansible_facts") or {}).get(FACT) == self._told.get("nonce")
        self.key = _key(module, arguments, str(self._told["salt"])) if usable and believe else None
        # In check mode nothing is left behind.
        self.option = {} if self.key is None or action._task.check_mode else {"_cached_result": self.key}

    @property
    def valid(self) -> dict[str, Any] | None:
        """Return the result of a task that would change nothing, None when the host must be asked."""
        if self.key is None or self._void:
            return None
        found = self._told.get("standing", {}).get(self.key)
        return None if found is None else {**found, "changed": False, "from_cached_result": True}

    @property
    def predicted(self) -> list[str]:
        """Return the paths that earlier tasks of a check run would have written; a real run has written them."""
        return noted(self._task_vars) if self._predicts else []

    def processed(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the module's result; if it changed something, no cached result of this host counts any more."""
        if self._told and (result.get("changed") or result.get("failed")):
            result["ansible_facts"] = {**result.get("ansible_facts", {}), FACT: self._told["nonce"]}
        return with_predictions(result, self._task_vars) if self._predicts else result


def _key(module: str, arguments: Mapping[str, Any], salt: str) -> str:
    """Return the name of a cached result: other arguments or another version of the code make another one."""
    name = module.rpartition(".")[2]
    digest = hmac.new(salt.encode(), _SHARED + (PLUGINS / "modules" / f"{name}.py").read_bytes(), hashlib.sha256)
    digest.update(json.dumps(arguments, sort_keys=True, default=str).encode())
    return f"{name}-{digest.hexdigest()[:40]}"
