# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the roles render: their variables, templates, arguments and conditions of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template

from tests.support.repository import ROLES
from tests.support.roles.rendered import role_variables

CONDITIONS = ("when", "that", "until", "failed_when", "changed_when")
FILES = re.compile(r"^template |_files$|_text$")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAMES = [path.name for path in sorted(ROLES.iterdir())]


class Expression(NamedTuple):
    """One value that is rendered as a whole."""

    role: str
    where: str
    value: Any
    module: str = ""


@cache
def variables() -> dict[str, Any]:
    """Return the defaults and variables of all roles; their names have the roles' prefixes, so none hides another."""
    found: dict[str, Any] = {}
    for role in NAMES:
        found |= role_variables(role)
    return found


@cache
def expressions() -> tuple[Expression, ...]:
    """Return all of them."""
    return tuple(found for role in NAMES for found in (*_of_variables(role), *_of_templates(role), *_of_tasks(role)))


def _of_variables(role: str) -> Iterator[Expression]:
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text()) or {}
    for name, value in role_variables(role).items():
        if name not in defaults:
            yield Expression(role, f"variable {name}", value)


def _of_templates(role: str) -> Iterator[Expression]:
    for path in sorted((ROLES / role / "templates").glob("*.j2")):
        yield Expression(role, f"template {path.name}", trust_as_template(path.read_text()))


def _of_tasks(role: str) -> Iterator[Expression]:
    for path in sorted((ROLES / role / "tasks").glob("*.yml")):
        for task in DataLoader().load_from_file(str(path), trusted_as_template=True) or []:
            yield from _of_task(role, f"{path.name}, {task.get('name')}", task)


def _of_task(role: str, where: str, task: dict[str, Any]) -> Iterator[Expression]:
    for key, value in task.items():
        if key in ("block", "rescue", "always"):
            for inner in value:
                yield from _of_task(role, f"{where}, {inner.get('name')}", inner)
        elif key in CONDITIONS:
            yield from _conditions(role, f"{where}: {key}", value)
        elif isinstance(value, dict) and "." in key:
            for condition in CONDITIONS:
                yield from _conditions(role, f"{where}: {condition}", value.get(condition, []))
            yield Expression(role, f"{where}: {key}", {k: v for k, v in value.items() if k not in CONDITIONS}, key)
        elif key != "name":
            yield Expression(role, f"{where}: {key}", value)


def _conditions(role: str, where: str, value: Any) -> Iterator[Expression]:
    for item in value if isinstance(value, list) else [value]:
        # As Ansible: a value that is no boolean is an error.
        yield Expression(role, where, trust_as_template("{{ [(" + str(item) + ") is boolean, " + str(item) + "] }}"))


def names_in(value: Any) -> set[str]:
    """Return the identifiers of all texts in a value."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    return set(IDENTIFIER.findall(value)) if isinstance(value, str) and "{" in value else set()


@cache
def depending() -> dict[str, tuple[Expression, ...]]:
    """Return, by each option, the expressions that name it, or name an option whose default names it.

    What reads only such an expression sees no difference where that sees none. A text is different: a number in its
    place is none before it is written down, so for texts there is all that becomes a file, too.
    """
    direct = {name: names_in(value) for name, value in variables().items()}
    defaults = {name: names for name, names in direct.items() if not name.startswith("_")}
    found: dict[str, list[Expression]] = {}
    for expression in expressions():
        names = names_in(expression.value)
        for name in _closure(names, direct if FILES.search(expression.where) else defaults):
            found.setdefault(name, []).append(expression)
    return {name: tuple(items) for name, items in found.items()}


def _closure(names: set[str], direct: dict[str, set[str]]) -> set[str]:
    known: set[str] = set()
    while names:
        known |= names
        names = {inner for name in names for inner in direct.get(name, ())} - known
    return known


@cache
def _module_spec(module: str) -> dict[str, Any] | None:
    path = Path(ROLES.parent / "plugins/modules" / f"{module.removeprefix('hardway.kubernetes.')}.py")
    if not path.is_file():
        return None
    text = re.search(r'^DOCUMENTATION = r"""\n(.*?)^"""', path.read_text(), re.M | re.S)
    assert text
    return _spec(yaml.safe_load(text[1]).get("options") or {})


def _spec(options: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "elements", "choices")
    return {
        name: {
            **{key: option[key] for key in kept if key in option},
            **({"options": _spec(option["suboptions"])} if option.get("suboptions") else {}),
        }
        for name, option in options.items()
    }


def as_module_sees(expression: Expression, value: Any) -> Any:
    """Return arguments as the module gets them: converted by its own specification."""
    spec = _module_spec(expression.module) if expression.module else None
    if spec is None or not isinstance(value, dict):
        return value
    checked = ArgumentSpecValidator({name: spec[name] for name in value if name in spec}).validate(
        {name: item for name, item in value.items() if name in spec and not repr(item).startswith("Omit")}
    )
    assert not checked.error_messages, checked.error_messages
    return checked.validated_parameters
