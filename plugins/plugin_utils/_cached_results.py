# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of cached results: a task with a valid one needs no connection to the host."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._predictions import noted, with_predictions

# The variable with the result of module cached_results, and the fact that invalidates it.
VARIABLE = "_host_cached_results"
FACT = "hardway_cached_results_invalidated"
# Begins the facts with the keys that the tasks of this run have used or stored. One fact for each, because items of a
# loop would overwrite a common one.
USED = "hardway_cached_result_"
PLUGINS = Path(__file__).resolve().parent.parent


def shared_files(plugins: Path) -> list[Path]:
    """Return all files of module_utils."""
    return sorted((plugins / "module_utils").rglob("*.py"))


# Code shared by modules, hashed once: the main process loads this file before it forks workers.
_SHARED_FILES = shared_files(PLUGINS)
_SHARED = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in _SHARED_FILES)


class CachedResult:
    """The cached result of one task: read before its module runs, and stored by it."""

    def __init__(
        self,
        action: ActionBase,
        module: str,
        arguments: Mapping[str, Any],
        task_vars: Mapping[str, Any],
        *,
        use: bool = True,
        counts: bool = True,
    ) -> None:
        """Take everything that determines the task's result; task_vars contain the result of module cached_results.

        Without ``use``, a cached result is neither read nor stored. Without ``counts``, that does not keep module
        up_to_date from marking the host: the task prepares what the run has finished.
        """
        loaded = task_vars.get(VARIABLE) or {}
        # A delegated task has the variables of another host than it runs on.
        ours = loaded if isinstance(loaded, Mapping) and not action._task.delegate_to else {}
        usable = bool(ours.get("salt"))
        # The user wants every task to inspect the host thoroughly.
        self.distrusted = ours.get("used") is False
        self._loaded: Mapping[str, Any] = ours if usable else {}
        # Identifies this run on this host; empty without cached results. In check mode a clean host has no salt.
        self.nonce = str(ours.get("nonce", "")) if usable or action._task.check_mode else ""
        # A delegated task would set facts of the wrong host.
        self._predicts = bool(action._task.check_mode) and not action._task.delegate_to
        self._task_vars = task_vars
        self._invalidated = (task_vars.get("ansible_facts") or {}).get(FACT) == self._loaded.get("nonce")
        self._counts = counts
        self.key = _key(module, arguments, str(self._loaded["salt"])) if usable and use else None
        # Check mode stores nothing.
        self.option = {} if self.key is None or action._task.check_mode else {"_cached_result": self.key}

    @property
    def valid(self) -> dict[str, Any] | None:
        """Return the valid cached result of the task, or None if the host must be inspected."""
        if self.key is None or self._invalidated:
            return None
        found = self._loaded.get("valid", {}).get(self.key)
        return None if found is None else self._noted({**found, "changed": False, "from_cached_result": True})

    @property
    def predicted(self) -> list[str]:
        """Return the paths that earlier tasks would have written, in check mode."""
        return noted(self._task_vars) if self._predicts else []

    def processed(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the module's result; if it changed something, invalidate the cached results of this host."""
        if self._loaded and (result.get("changed") or result.get("failed")):
            result["ansible_facts"] = {**result.get("ansible_facts", {}), FACT: self._loaded["nonce"]}
        if self._loaded:
            result = self._noted(result)
        return with_predictions(result, self._task_vars) if self._predicts else result

    def _noted(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result with a fact for module up_to_date: on which cached result the task relies, or none."""
        if not self._counts:
            return result
        used = {USED + (self.key or "none"): self._loaded["nonce"]}
        return {**result, "ansible_facts": {**result.get("ansible_facts", {}), **used}}


def used_results(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the keys that tasks of this run have relied on for the host; ``none`` for a task without one."""
    nonce = (task_vars.get(VARIABLE) or {}).get("nonce")
    facts = task_vars.get("ansible_facts") or {}
    return sorted(name[len(USED) :] for name, run in facts.items() if name.startswith(USED) and nonce and run == nonce)


class CachedAction(ActionBase):
    """An action plugin that answers from a valid cached result, and connects to the host only without one."""

    def cached(
        self,
        module: str,
        arguments: Mapping[str, Any],
        task_vars: dict[str, Any],
        run: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        *,
        use: bool = True,
        counts: bool = True,
    ) -> dict[str, Any]:
        """Return the cached result of a task with these arguments, else what its module returns.

        ``run`` gets the option by which the module leaves a cached result; by default the module is run with it and
        the arguments.
        """
        cache = CachedResult(self, module, arguments, task_vars, use=use, counts=counts)
        if cache.valid is not None:
            return cache.valid
        if run is not None:
            return cache.processed(run(cache.option))
        return cache.processed(self._execute_module(module, {**arguments, **cache.option}, task_vars=task_vars))


def _key(module: str, arguments: Mapping[str, Any], salt: str) -> str:
    """Return the key of a cached result: it depends on the arguments and on the code."""
    name = module.rpartition(".")[2]
    digest = hmac.new(salt.encode(), _SHARED + (PLUGINS / "modules" / f"{name}.py").read_bytes(), hashlib.sha256)
    digest.update(json.dumps(arguments, sort_keys=True, default=str).encode())
    return f"{name}-{digest.hexdigest()[:40]}"
