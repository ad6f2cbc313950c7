# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the controller believes a cached result."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _cached_results
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import FACT, VARIABLE, CachedResult

MODULE = "hardway.kubernetes.files"
ARGUMENTS = {"files": [{"path": "/etc/site"}]}


def cached_result(standing: bool = True, facts: dict[str, Any] | None = None, **more: Any) -> CachedResult:
    """Return the cached result of a task on a host that told of it, or of nothing."""
    told: dict[str, Any] = {"salt": "s", "nonce": "n", "valid": {}}
    task = {"delegate_to": more.pop("delegate_to", None), "check_mode": more.pop("check_mode", False)}
    action: Any = SimpleNamespace(_task=SimpleNamespace(**task))
    variables = {VARIABLE: told, "ansible_facts": facts or {}, **more.pop("variables", {})}
    key = CachedResult(action, MODULE, ARGUMENTS, {VARIABLE: told}).key
    if standing and key:
        told["valid"][key] = {"paths": {}}
    return CachedResult(action, more.pop("module", MODULE), more.pop("arguments", ARGUMENTS), variables, **more)


def test_what_stands_is_the_result() -> None:
    assert cached_result().valid == {"paths": {}, "changed": False, "from_cached_result": True}


@pytest.mark.parametrize(
    "doubt",
    [
        {"standing": False},
        {"arguments": {"files": []}},
        {"module": "hardway.kubernetes.unit"},
        {"facts": {FACT: "n"}},
        {"delegate_to": "localhost"},
        {"use": False},
        {"variables": {VARIABLE: {}}},
        {"variables": {VARIABLE: {"skipped": True}}},
    ],
)
def test_in_doubt_the_host_is_asked(doubt: dict[str, Any]) -> None:
    assert cached_result(**doubt).valid is None


@pytest.mark.parametrize("result", [{"changed": True}, {"failed": True}])
@pytest.mark.parametrize("use", [True, False])
def test_a_change_makes_this_reading_void(result: dict[str, Any], use: bool) -> None:
    assert cached_result(use=use).processed(dict(result))["ansible_facts"] == {FACT: "n"}


def test_no_change_leaves_it() -> None:
    assert cached_result().processed({"changed": False}) == {"changed": False}
    assert cached_result(facts={FACT: "of another run"}).valid


def test_only_a_real_run_leaves_one() -> None:
    kept = cached_result()
    assert kept.option == {"_cached_result": kept.key}
    assert cached_result(use=False).option == {}


def test_a_run_has_a_name_also_where_a_check_finds_a_clean_host() -> None:
    clean = {VARIABLE: {"salt": "", "nonce": "n", "valid": {}}}
    assert cached_result().nonce == cached_result(variables=clean, check_mode=True).nonce == "n"
    assert cached_result(variables=clean).nonce == cached_result(delegate_to="localhost", check_mode=True).nonce == ""


def test_other_code_anywhere_among_what_modules_share_is_another_cached_result() -> None:
    """Also below directories of module_utils."""
    shared = _cached_results.PLUGINS / "module_utils"
    every = {Path(where) / name for where, _dirs, names in os.walk(shared) for name in names if name.endswith(".py")}
    assert set(_cached_results._SHARED_FILES) == every
    assert _cached_results.shared_files(shared.parent) == _cached_results._SHARED_FILES


def test_nested_packages_count_too(tmp_path: Path) -> None:
    for name in ("module_utils/_a.py", "module_utils/_pki/spec/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.name for path in _cached_results.shared_files(tmp_path)] == ["_a.py", "b.py"]


def test_who_trusts_no_cached_results_wants_tasks_to_look_closely() -> None:
    told = {VARIABLE: {"salt": "", "nonce": "n", "valid": {}, "used": False}}
    assert cached_result(variables=told).distrusted
    assert not cached_result().distrusted
    assert not cached_result(variables={VARIABLE: {}}).distrusted
