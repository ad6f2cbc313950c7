# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare every role's argument specification with its defaults, and with what other roles repeat of them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
# A literal that stands for an option of another role, on hosts that do not run it:
# "option | default(literal)", or for a list of hosts "'option') | map('default', literal".
REPEATED = re.compile(
    r"\b([a-z]+_[a-z0-9_]+)(?:'\))?\s*\| (?:default\(|map\('default', )('[^']*'|\d[\d.]*|true|false|\[[^]]*\]|\{\})[,)]"
)
LITERALS = {"true": True, "false": False}


def load(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping; empty when there is none."""
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def compare(role: str, defaults: dict[str, Any], options: dict[str, Any]) -> list[str]:
    """Return the differences between the defaults of a role and the options of its specification."""
    names = {**defaults, **options}
    found = [f"{role}: {name} is not named after the role" for name in names if not name.startswith(f"{role}_")]
    found += [f"{role}: {name} has a default, but no specification" for name in defaults if name not in options]
    for name, option in options.items():
        if not option.get("description"):
            found.append(f"{role}: {name} has no description")
        if name not in defaults:
            if "default" in option:
                found.append(f"{role}: {name} has a default in the specification only")
        elif option.get("required"):
            found.append(f"{role}: {name} is required, and yet has a default")
        elif "default" not in option:
            # A default that is computed may be described in words instead.
            if "{{" not in str(defaults[name]) and defaults[name] is not None:
                found.append(f"{role}: {name} has no default in the specification; it is {defaults[name]!r}")
        elif option["default"] != defaults[name]:
            found.append(
                f"{role}: {name} is {defaults[name]!r} in defaults, {option['default']!r} in the specification"
            )
    return found


def compare_changes(role: str, changes: dict[str, Any], options: dict[str, Any]) -> list[str]:
    """Return the options of which meta/changes.yml does not say what a change does, and what it says of no option."""
    found = [f"{role}: {name} is not in meta/changes.yml" for name in options if not changes.get(name)]
    return found + [f"{role}: {name} of meta/changes.yml is no option" for name in changes if name not in options]


def repeated_defaults(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the options with the literals that stand for them."""
    for name, written in REPEATED.findall(text):
        yield name, LITERALS[written] if written in LITERALS else ast.literal_eval(written)


def compare_repeated(role: str, text: str, defaults: Mapping[str, Any]) -> list[str]:
    """Return the literals in files of a role that differ from defaults of other roles, unless these are computed."""
    return [
        f"{role}: repeats the default of {name} as {value!r}, which is {defaults[name]!r}"
        for name, value in repeated_defaults(text)
        if name in defaults and "{{" not in str(defaults[name]) and value not in (defaults[name], str(defaults[name]))
    ]


def main() -> int:
    """Print every difference; return the exit status."""
    problems = []
    roles = sorted(path for path in (TOP / "roles").iterdir() if path.is_dir())
    everywhere = {name: value for path in roles for name, value in load(path / "defaults" / "main.yml").items()}
    for path in roles:
        for file in sorted(path.rglob("*.yml")):
            problems += compare_repeated(path.name, file.read_text(encoding="utf-8"), everywhere)
        specs = load(path / "meta" / "argument_specs.yml").get("argument_specs", {})
        # A role may be entered at several points; together they describe its variables.
        options = {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}
        problems += compare(path.name, load(path / "defaults" / "main.yml"), options)
        problems += compare_changes(path.name, load(path / "meta" / "changes.yml"), options)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
