# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manager owns which field of an object, and how patches and server-side apply are merged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..core.schema import Path, Schema


def tree(paths: set[Path]) -> dict[str, Any]:
    """Return paths in the form of fieldsV1."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        place = found
        for step in path:
            place = place.setdefault(step, {})
    return found


def paths(fields: Mapping[str, Any], before: Path = ()) -> set[Path]:
    """Return the paths of fieldsV1."""
    found: set[Path] = set()
    for name, below in fields.items():
        found |= paths(below, (*before, name)) if below else {(*before, name)}
    return found


class Owners:
    """The managed fields of one object."""

    def __init__(self, entries: Optional[list[dict[str, Any]]], version: str, time: str) -> None:
        """Read the entries; changes get the given time."""
        self.version, self.time = version, time
        self.entries = [dict(entry) for entry in entries or []]

    def of(self, manager: str, operation: str, part: str = "") -> set[Path]:
        """Return what a manager owns."""
        return paths(self._entry(manager, operation, part).get("fieldsV1") or {})

    def _entry(self, manager: str, operation: str, part: str) -> dict[str, Any]:
        """Return an entry; an empty one when there is none."""
        wanted = (manager, operation, part)
        found = (e for e in self.entries if (e["manager"], e["operation"], e.get("subresource", "")) == wanted)
        return next(found, {})

    def others(self, manager: str, operation: str) -> dict[Path, str]:
        """Return the fields of all other managers, and one owner of each."""
        found: dict[Path, str] = {}
        for entry in self.entries:
            if (entry["manager"], entry["operation"]) != (manager, operation):
                found |= dict.fromkeys(paths(entry["fieldsV1"]), entry["manager"])
        return found

    def give(self, manager: str, operation: str, owned: set[Path], part: str = "") -> None:
        """Let a manager own exactly these fields; the time changes only with the fields."""
        entry = self._entry(manager, operation, part)
        if entry and paths(entry["fieldsV1"]) == owned:
            return
        self.entries = [other for other in self.entries if other is not entry]
        if owned:
            made = {"manager": manager, "operation": operation, "apiVersion": self.version, "time": self.time}
            fields: dict[str, Any] = {"fieldsType": "FieldsV1", "fieldsV1": tree(owned)}
            self.entries.append({**made, **fields, **({"subresource": part} if part else {})})

    def take(self, lost: set[Path], manager: str, operation: str) -> None:
        """Take fields from everybody but one."""
        for entry in list(self.entries):
            owner = (entry["manager"], entry["operation"])
            if owner != (manager, operation):
                owned = paths(entry["fieldsV1"])
                if owned & lost:
                    self.give(*owner, owned - lost, entry.get("subresource", ""))


class ApplyConflict(Exception):
    """Another manager owns fields with other values."""


def apply(
    schema: Schema, kind: str, live: dict[str, Any], applied: dict[str, Any], owners: Owners, manager: str, force: bool
) -> dict[str, Any]:
    """Return the object after server-side apply; the owners are brought up to date."""
    wanted, have = schema.leaves(applied, kind), schema.leaves(live, kind)
    others = owners.others(manager, "Apply")
    clashes = {p for p in wanted if p in others and p in have and have[p] != wanted[p]}
    if clashes and not force:
        conflicts = "\n".join(f'- {".".join(step[2:] for step in p)} ("{others[p]}")' for p in sorted(clashes))
        raise ApplyConflict(f"Apply failed with {len(clashes)} conflicts: {conflicts}")
    owners.take(clashes, manager, "Apply")
    result = live
    # Whole items first: one without its keys would not be found.
    for path in sorted(owners.of(manager, "Apply") - set(wanted), key=lambda path: path[-1] != "."):
        if path not in others:
            result = schema.without(result, kind, path)
    owners.give(manager, "Apply", set(wanted))
    return dict(schema.merged(result, applied, kind))


def updated(
    schema: Schema, kind: str, old: dict[str, Any], new: dict[str, Any], owners: Owners, manager: str, part: str
) -> None:
    """Note who owns what after a plain change."""
    before, after = schema.leaves(old, kind), schema.leaves(new, kind)
    changed = {p for p, value in after.items() if p not in before or before[p] != value}
    owners.take(changed | (set(before) - set(after)), manager, "Update")
    if changed:
        owners.give(manager, "Update", (owners.of(manager, "Update", part) & set(after)) | changed, part)


def patched(schema: Schema, value: Any, patch: Any, kind: str) -> Any:
    """Return a value after a strategic merge patch, whose lists have keys; of no kind, after a JSON merge patch."""
    if isinstance(patch, list) and kind.startswith("by:") and isinstance(value, list):
        found = {schema.key(kind, item): item for item in value}
        for item in (entry for entry in patch if isinstance(entry, dict)):
            key = schema.key(kind, item)
            if item.get("$patch") == "delete":
                found.pop(key, None)
            else:
                found[key] = patched(schema, found.get(key), item, schema.item(kind))
        return list(found.values())
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) and patch.get("$patch") != "replace" else {}
    for name, content in patch.items():
        if name.startswith("$"):
            continue
        if content is None:
            result.pop(name, None)
        else:
            result[name] = patched(schema, result.get(name), content, schema.field(kind, name))
    return result
