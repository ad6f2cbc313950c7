# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value means the same however it is written: every option of every role, in every spelling, rendered everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.support.repository import ROLES
from tests.support.roles.expressions import Expression, as_module_sees, depending
from tests.support.roles.spellings import KEYS, cases, options
from tests.support.roles.values import FACTS, FOUND, GROUPS, HOSTS, inventory


def rendered(expression: Expression, name: str, value: Any) -> Any:
    """Return what an expression gives on the first host, where all hosts have one option by this value."""
    given = {**inventory(), name: value}
    hosts = {
        host: {
            name: value,
            "ansible_host": f"192.0.2.1{n}",
            "inventory_hostname": host,
            "ansible_facts": FACTS,
            **FOUND,
        }
        for n, host in enumerate(HOSTS, 1)
    }
    given |= {"hostvars": hosts, "inventory_hostname": "k1", "ansible_host": "192.0.2.11", "group_names": list(GROUPS)}
    given["ansible_search_path"] = [str(ROLES / expression.role)]
    templar = Templar(loader=DataLoader(), variables=given)
    return as_module_sees(expression, templar.template(expression.value))


def shown(expression: Expression, name: str, value: Any, *, is_text: bool) -> str:
    """Return the same as comparable text, or the error."""
    try:
        found = rendered(expression, name, value)
    except AnsibleError as exc:
        return f"{type(exc).__name__}: {exc}"
    # A number in place of a text is no difference until it is written as JSON or YAML.
    return json.dumps(_texts(found) if is_text else found, default=str)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return ("" if value is None else str(value)) if not isinstance(value, bool) else str(value).lower()


# All of them take minutes: each run tries some, of all types, and make e2e-long the others.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if number % 5 else []) for number, name in enumerate(options())],
)
def test_an_option_means_the_same_in_every_spelling(name: str) -> None:
    option = options()[name]
    differences = []
    for native, spellings in cases(name, option):
        for expression in depending().get(name, ()):
            expected = shown(expression, name, native, is_text=option["type"] == "str")
            if option["type"] not in ("str", "path"):
                assert "Error" not in expected[:40], (expression.role, expression.where, native, expected)
            for spelling in spellings:
                found = shown(expression, name, spelling, is_text=option["type"] == "str")
                if found != expected:
                    differences.append(f"{expression.role}, {expression.where}: {spelling!r}\n  {found}\n  {expected}")
    assert not differences, "\n".join(differences[:8])


def test_every_option_is_used_somewhere() -> None:
    unused = [name for name in options() if name not in depending()]
    # Read by the action plugin that compares the variables of hosts.
    assert unused == ["cluster_ignored_names"]


def test_every_option_that_is_no_text_has_a_sample_of_its_own_type() -> None:
    kinds = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict}
    for name, option in options().items():
        for native, _spellings in cases(name, option):
            assert isinstance(native, kinds.get(option["type"], str)), name
    assert set(KEYS) <= set(options())
