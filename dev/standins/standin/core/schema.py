# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of objects and configuration files: which fields exist, and how two values are merged. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]
Fields = dict[Path, Any]
# As the API's description and as Go name them.
NUMBERS: dict[str, Any] = {"integer": int, "int": int, "number": (int, float)}
JSON: dict[str, Any] = {"string": str, "boolean": bool, "bool": bool, "map": dict, **NUMBERS}
GO = {bool: "bool", str: "string", int: "number", float: "number", dict: "object", list: "array"}
IGNORED = (
    "apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.uid",
    "metadata.resourceVersion", "metadata.managedFields", "metadata.generation", "metadata.selfLink",
)  # fmt: skip


class Schema:
    """The types of the API, as far as merging needs them."""

    def __init__(self, types: Mapping[str, Mapping[str, str]], differences: Mapping[str, Any]) -> None:
        """Take the table of the newest release and what differs in this one; a field without a type is not there."""
        self.types = dict(types)
        for kind, fields in differences.items():
            merged = {**types.get(kind, {}), **fields}
            self.types[kind] = {name: field for name, field in merged.items() if field is not None}

    def field(self, kind: str, name: str) -> str:
        """Return the type of a field of a structure."""
        return self.types.get(kind, {}).get(name, "any")

    def granular(self, kind: str) -> bool:
        """Say whether a type is merged field by field."""
        return kind == "map" or kind in self.types

    def key(self, kind: str, item: Any) -> str:
        """Return the key of an item in a list; nothing for lists that are replaced as a whole."""
        if kind.startswith("by:"):
            defaults = {"protocol": "TCP"}
            names = kind[3:].partition(" ")[0].split(",")
            found = {n: item.get(n, defaults.get(n)) for n in names}
            return "k:" + json.dumps({n: v for n, v in found.items() if v is not None}, separators=(",", ":"))
        return "v:" + json.dumps(item) if kind.startswith("set ") else ""

    @staticmethod
    def item(kind: str) -> str:
        """Return the type of a list's items."""
        return kind.partition(" ")[2]

    def keyed(self, kind: str, value: Any) -> bool:
        """Say whether a value is a list whose items are merged one by one."""
        return isinstance(value, list) and kind.startswith(("by:", "set "))

    def unknown(self, value: Any, kind: str, where: str = "") -> list[str]:
        """Return the fields that a type does not have; raise ValueError at a value of another type."""
        kind = kind.replace("atomic ", "")
        wanted = list if " " in kind else JSON.get(kind, dict if kind in self.types else object)
        if value is not None and (not isinstance(value, wanted) or (kind in NUMBERS and isinstance(value, bool))):
            word = next(word for python, word in GO.items() if isinstance(value, python))
            raise ValueError(f"json: cannot unmarshal {word} into Go struct field {where} of type {kind}")
        if isinstance(value, list):
            inner = self.item(kind)
            return [name for i, item in enumerate(value) for name in self.unknown(item, inner, f"{where}[{i}]")]
        if not isinstance(value, dict) or kind not in self.types:
            return []
        found: list[str] = []
        for name, content in value.items():
            place = f"{where}.{name}" if where else name
            known = name in self.types[kind]
            found += self.unknown(content, self.types[kind][name], place) if known else [place]
        return found

    def leaves(self, value: Any, kind: str, path: Path = ()) -> Fields:
        """Return every field that can have an owner, and its value."""
        found: Fields = {}
        if isinstance(value, dict) and value and self.granular(kind):
            for name, content in value.items():
                if ".".join([*(p[2:] for p in path), name]) not in IGNORED:
                    found |= self.leaves(content, self.field(kind, name), (*path, f"f:{name}"))
            return found
        if self.keyed(kind, value) and value:
            for item in value:
                place = (*path, self.key(kind, item))
                found[(*place, ".")] = None
                if kind.startswith("by:"):
                    found |= self.leaves(item, self.item(kind), place)
            return found
        return {path: value}

    def merged(self, live: Any, applied: Any, kind: str) -> Any:
        """Return the live value with all that is applied in it."""
        if isinstance(live, dict) and isinstance(applied, dict) and self.granular(kind):
            extra = {name: self.merged(live.get(name), v, self.field(kind, name)) for name, v in applied.items()}
            return {**live, **extra}
        if self.keyed(kind, applied) and isinstance(live, list):
            found = {self.key(kind, item): item for item in live}
            for item in applied:
                key = self.key(kind, item)
                found[key] = self.merged(found.get(key), item, self.item(kind))
            return list(found.values())
        return copy.deepcopy(applied)

    def without(self, value: Any, kind: str, path: Path) -> Any:
        """Return a value without one of its fields."""
        head, rest = path[0], path[1:]
        if head.startswith(("k:", "v:")) and isinstance(value, list):
            if rest in ((), (".",)):
                return [item for item in value if self.key(kind, item) != head]
            return [self.without(i, self.item(kind), rest) if self.key(kind, i) == head else i for i in value]
        name = head[2:]
        if not isinstance(value, dict) or name not in value:
            return value
        if not rest:
            return {n: v for n, v in value.items() if n != name}
        left = self.without(value[name], self.field(kind, name), rest)
        return {**value, name: left} if left not in ({}, []) else {n: v for n, v in value.items() if n != name}
