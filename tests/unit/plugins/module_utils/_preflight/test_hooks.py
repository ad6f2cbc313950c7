# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of the operator are checked before a host is contacted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import option_rules


def problem(*entries: Any) -> str:
    """Return what is wrong with the entries of a hook."""
    return option_rules.problem("cluster_hooks", {"before_node": None, "after_drain": list(entries)})


def test_files_that_exist_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "patch.yml"
    path.touch()
    assert problem(str(path), {"file": str(path), "retries": 3, "delay": "10"}) == ""
    assert option_rules.problem("cluster_hooks", {}) == ""


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("/none/patch.yml", "after_drain: /none/patch.yml: no such file on the controller; correct the path"),
        ("patch.yml", "after_drain: patch.yml is not an absolute path; write it as {{ inventory_dir }}/patch.yml"),
        ({"file": "/none", "retry": 3}, "is no task file; write its path, or {file: PATH, retries: 3, delay: 10}"),
        ({"retries": 3}, "is no task file"),
        (7, "7 is no task file"),
        ({"file": "/none", "retries": "often"}, "after_drain: retries 'often' is not a whole number"),
        ({"file": "/none", "delay": -1}, "after_drain: delay -1 is not a whole number"),
    ],
)
def test_what_is_wrong_is_named(entry: Any, message: str) -> None:
    assert message in problem(entry)
