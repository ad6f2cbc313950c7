# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the controller uses a cached result."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _cached_results
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import (
    FACT,
    USED,
    VARIABLE,
    CachedResult,
    used_results,
)

MODULE = "hardway.kubernetes.files"
ARGUMENTS = {"files": [{"path": "/etc/site"}]}


def cached_result(standing: bool = True, facts: dict[str, Any] | None = None, **more: Any) -> CachedResult:
    """Return the cached result of a task on a host that reported it, or nothing."""
    reported: dict[str, Any] = {"salt": "s", "nonce": "n", "valid": {}}
    task = {"delegate_to": more.pop("delegate_to", None), "check_mode": more.pop("check_mode", False)}
    action: Any = SimpleNamespace(_task=SimpleNamespace(**task))
    variables = {VARIABLE: reported, "ansible_facts": facts or {}, **more.pop("variables", {})}
    key = CachedResult(action, MODULE, ARGUMENTS, {VARIABLE: reported}).key
    if standing and key:
        reported["valid"][key] = {"paths": {}}
    return CachedResult(action, more.pop("module", MODULE), more.pop("arguments", ARGUMENTS), variables, **more)


def test_a_valid_cached_result_is_the_result_of_the_task() -> None:
    found = cached_result().valid or {}
    assert found.pop("ansible_facts")
    assert found == {"paths": {}, "changed": False, "from_cached_result": True}


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
def test_in_doubt_the_task_runs_on_the_host(doubt: dict[str, Any]) -> None:
    assert cached_result(**doubt).valid is None


@pytest.mark.parametrize("result", [{"changed": True}, {"failed": True}])
@pytest.mark.parametrize("use", [True, False])
def test_a_change_invalidates_the_loaded_results(result: dict[str, Any], use: bool) -> None:
    assert cached_result(use=use).processed(dict(result))["ansible_facts"][FACT] == "n"


def test_without_a_change_they_stay_valid() -> None:
    assert FACT not in cached_result().processed({"changed": False})["ansible_facts"]
    assert cached_result(facts={FACT: "of another run"}).valid


def test_the_results_on_which_a_run_relies_are_known_at_its_end() -> None:
    kept = cached_result()
    for result in (kept.valid, kept.processed({"changed": True}), kept.processed({"ansible_facts": {"a": 1}})):
        facts = (result or {})["ansible_facts"]
        assert used_results({VARIABLE: {"nonce": "n"}, "ansible_facts": {**facts, USED + "x": "of another run"}}) == [
            kept.key
        ]
    # A task without one leaves nothing to rely on.
    assert cached_result(use=False).processed({})["ansible_facts"] == {USED + "none": "n"}
    # One that prepares what the run finishes does not matter; what it changes does.
    assert cached_result(use=False, counts=False).processed({}) == {}
    assert cached_result(use=False, counts=False).processed({"changed": True})["ansible_facts"] == {FACT: "n"}
    assert cached_result(variables={VARIABLE: {}}).processed({}) == {}
    assert used_results({"ansible_facts": {USED + "x": "n"}}) == []


def test_only_a_real_run_stores_a_cached_result() -> None:
    kept = cached_result()
    assert kept.option == {"_cached_result": kept.key}
    assert cached_result(use=False).option == {}


def test_a_run_has_an_id_also_in_a_check_of_a_clean_host() -> None:
    clean = {VARIABLE: {"salt": "", "nonce": "n", "valid": {}}}
    assert cached_result().nonce == cached_result(variables=clean, check_mode=True).nonce == "n"
    assert cached_result(variables=clean).nonce == cached_result(delegate_to="localhost", check_mode=True).nonce == ""


def test_a_change_of_any_shared_code_invalidates_cached_results() -> None:
    """Also below directories of module_utils."""
    shared = _cached_results.PLUGINS / "module_utils"
    every = {Path(where) / name for where, _dirs, names in os.walk(shared) for name in names if name.endswith(".py")}
    assert set(_cached_results._SHARED_FILES) == every
    assert _cached_results.shared_files(shared.parent) == _cached_results._SHARED_FILES


def test_nested_packages_are_part_of_the_code(tmp_path: Path) -> None:
    for name in ("module_utils/_a.py", "module_utils/_pki/spec/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.name for path in _cached_results.shared_files(tmp_path)] == ["_a.py", "b.py"]


def test_without_cached_results_tasks_inspect_everything() -> None:
    reported = {VARIABLE: {"salt": "", "nonce": "n", "valid": {}, "used": False}}
    assert cached_result(variables=reported).distrusted
    assert not cached_result().distrusted
    assert not cached_result(variables={VARIABLE: {}}).distrusted
