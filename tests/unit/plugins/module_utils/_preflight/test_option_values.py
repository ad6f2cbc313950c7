# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values are validated once, not once per host: preflight does it, and the plays of site.yml do not again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_values import Seen

from tests.support.repository import REPOSITORY, ROLES

PLAYBOOKS = ("site.yml", "_parts/prepare_hosts.yml", "rotate_encryption_key.yml", "restore.yml")


def test_a_value_that_hosts_share_is_validated_once() -> None:
    """Also if each host has its own copy; another value, or another variable, is validated by itself."""
    calls: list[tuple[str, Any]] = []

    def call(name: str, value: Any) -> list[str]:
        calls.append((name, value))
        return [f"{name}: {value}"]

    seen, shared = Seen(), {"a": 1}
    for value in (shared, shared, {"a": 1}, {"a": 2}):
        assert seen.once("x", value, call) == [f"x: {value}"]
    seen.once("y", shared, call)
    assert calls == [("x", {"a": 1}), ("x", {"a": 2}), ("y", {"a": 1})]


def roles(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of tasks that run roles."""
    for task in tasks:
        for name in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
            if name in task:
                yield task[name]
        yield from roles(task.get("block", []))


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_plays_do_not_validate_on_each_host_again(playbook: str) -> None:
    plays = yaml.safe_load((REPOSITORY / "playbooks" / playbook).read_text(encoding="utf-8"))
    for role in [role for play in plays for role in roles(play.get("tasks", []))]:
        name = role["name"].rpartition(".")[2]
        entries = yaml.safe_load((ROLES / name / "meta/argument_specs.yml").read_text(encoding="utf-8"))
        if role.get("tasks_from", "main") in entries["argument_specs"]:
            assert role["rolespec_validate"] is False, role
