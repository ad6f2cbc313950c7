# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that earlier tasks would have written in check mode, so that restarts of units can be predicted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

FACT = "hardway_predicted"
# Identifies the run, because cached facts outlive it. Workers are forked from the process that loads this file.
RUN = secrets.token_hex(8)


def written(result: Mapping[str, Any]) -> list[str]:
    """Return the paths that a task would have written, from the result of its module."""
    paths = [path for path, words in (result.get("paths") or {}).items() if isinstance(words, list)]
    paths += result.get("linked") or []
    paths += [item["path"] for kind in ("kubeconfigs", "trust") for item in result.get(kind) or [] if item["changed"]]
    pairs = [item["path"] for item in result.get("certificates") or [] if item["changed"]]
    return paths + [f"{pair}.{half}" for pair in pairs for half in ("crt", "key")]


def noted(task_vars: Mapping[str, Any]) -> list[str]:
    """Return what earlier tasks of this run would have written on the host."""
    fact = (task_vars.get("ansible_facts") or {}).get(FACT) or {}
    return list(fact["paths"]) if fact.get("run") == RUN else []


def with_predictions(result: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with a fact for later tasks that lists the files this task would have written."""
    if result.get("changed") and (paths := written(result)):
        known = {"run": RUN, "paths": sorted({*noted(task_vars), *paths})}
        result["ansible_facts"] = {**result.get("ansible_facts", {}), FACT: known}
    return result
