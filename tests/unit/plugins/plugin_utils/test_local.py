# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a task runs in Ansible's own process."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import is_local

ELSEWHERE = {"ansible_python_interpreter": "/usr/bin/another"}
HERE = {"ansible_python_interpreter": sys.executable}


@pytest.mark.parametrize(
    ("delegate_to", "variables", "here"),
    [
        (None, {}, True),
        (None, ELSEWHERE, False),
        ("localhost", {**ELSEWHERE, "ansible_delegated_vars": {"localhost": HERE}}, True),
        ("localhost", {**HERE, "ansible_delegated_vars": {"localhost": ELSEWHERE}}, False),
    ],
)
def test_the_python_of_the_host_where_the_task_runs_counts(
    delegate_to: str | None, variables: dict[str, Any], here: bool
) -> None:
    connection = SimpleNamespace(transport="local", become=None)
    action: Any = SimpleNamespace(_task=SimpleNamespace(delegate_to=delegate_to), _connection=connection)
    assert is_local(action, variables) is here
