# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: parsed, and held to the fields and types of the version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .flags import Refusal
from .server import log

PYTHON = {"string": str, "bool": bool, "int": int, "number": (int, float), "map": dict}
GO = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "array"}


def load(path: str) -> Any:
    """Return a YAML or JSON file."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as exc:
        raise Refusal(f"open {path}: {(exc.strerror or '').lower()}") from None
    except yaml.YAMLError as exc:
        raise Refusal(f"{path}: error converting YAML to JSON: {' '.join(str(exc).split())}") from None


class Checker:
    """Compares a file with the table of fields."""

    def __init__(self, fields: dict[str, dict[str, str]]) -> None:
        """Remember the table."""
        self.fields = fields
        self.unknown: list[str] = []

    def check(self, value: Any, kind: str, where: str = "") -> None:
        """Collect unknown fields; raise Refusal at a value of the wrong type."""
        if value is None or kind == "any":
            return
        if kind.startswith("list "):
            self._type(value, list, kind, where)
            for number, item in enumerate(value):
                self.check(item, kind[5:], f"{where}[{number}]")
        elif kind in PYTHON:
            self._type(value, PYTHON[kind], kind, where)
        else:
            self._type(value, dict, kind, where)
            self._fields(value, kind, where)

    def _fields(self, value: dict[str, Any], kind: str, where: str) -> None:
        """Look at every field of a structure."""
        known = {"apiVersion": "string", "kind": "string", **self.fields[kind]} if not where else self.fields[kind]
        for name, content in value.items():
            place = f"{where}.{name}" if where else str(name)
            if name not in known:
                self.unknown.append(place)
            else:
                self.check(content, known[name], place)

    def _type(self, value: Any, wanted: Any, kind: str, where: str) -> None:
        """Raise Refusal for a value of another type."""
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind in ("int", "number")):
            found = next(word for python, word in GO.items() if isinstance(value, python))
            raise Refusal(f"json: cannot unmarshal {found} into Go struct field {where} of type {kind}")


def read(path: str, kind: str, fields: dict[str, Any], *, strict: bool = True, versions: tuple[str, ...] = ()) -> Any:
    """Return a configuration file of a kind; ``strict`` programs refuse unknown fields, others pass over them."""
    content = load(path)
    if not isinstance(content, dict) or content.get("kind") != kind:
        found = content.get("kind") if isinstance(content, dict) else None
        raise Refusal(f'{path}: no kind "{found}" is registered, expected {kind}')
    if versions and content.get("apiVersion") not in versions:
        raise Refusal(f'{path}: no kind "{kind}" is registered for version "{content.get("apiVersion")}"')
    checker = Checker(fields)
    checker.check(content, kind)
    if checker.unknown:
        told = f"{path}: strict decoding error: " + ", ".join(f'unknown field "{name}"' for name in checker.unknown)
        if strict:
            raise Refusal(told)
        log("W", told)
    return content
