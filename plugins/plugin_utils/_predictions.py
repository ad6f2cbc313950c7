# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check run would have written by now: the files are not there, and yet units would restart for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

FACT = "hardway_predicted"
# Facts may be cached and outlive their run. Workers are copies of the process that loads this, so a run has one name.
RUN = secrets.token_hex(8)


def written(result: Mapping[str, Any]) -> list[str]:
    """Return the paths that a task would have written, from what its module returned."""
    paths = [path for path, words in (result.get("paths") or {}).items() if isinstance(words, list)]
    paths += result.get("linked") or []
    paths += [item["path"] for kind in ("kubeconfigs", "trust") for item in result.get(kind) or [] if item["changed"]]
    pairs = [item["path"] for item in result.get("certificates") or [] if item["changed"]]
    return paths + [f"{pair}.{half}" for pair in pairs for half in ("crt", "key")]


def noted(task_vars: Mapping[str, Any]) -> list[str]:
    """Return what earlier tasks of this check run would have written on the host."""
    fact = (task_vars.get("ansible_facts") or {}).get(FACT) or {}
    return list(fact["paths"]) if fact.get("run") == RUN else []


def with_predictions(result: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with a fact that tells later tasks of a check run what this one would have written."""
    if result.get("changed") and (paths := written(result)):
        known = {"run": RUN, "paths": sorted({*noted(task_vars), *paths})}
        result["ansible_facts"] = {**result.get("ansible_facts", {}), FACT: known}
    return result
