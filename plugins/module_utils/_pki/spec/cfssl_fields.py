# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses objects as Go's encoding/json does: field names ignore case, types are fixed, unknown fields are errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# Types of fields, as named in errors.
TEXT, NUMBER, TRUTH, OBJECT = "a text", "a number from 0", "true or false", "an object"
TEXTS, OBJECTS = "a list of texts", "a list of objects"
# A known field without effect on certificates.
NO_EFFECT = ""
_TYPES: dict[str, Any] = {TEXT: str, TRUTH: bool, OBJECT: (dict, Mapping), NO_EFFECT: object}


def fields_of(value: Any, known: Mapping[str, str], what: str) -> dict[str, Any]:
    """Return the non-null fields of an object in lower case; ``known`` has the type of each.

    A field that says something and is unknown, or is of another kind, is an error that names it.
    """
    if not isinstance(value, Mapping):
        raise HardwayError(f"{what}: must be an object, not {shown(value)}; put it in braces")
    found = {}
    for name, content in value.items():
        field = str(name).lower()
        if content is None:
            continue
        if field in known:
            if not _is(content, known[field]):
                raise HardwayError(f"{what}: {field} must be {known[field]}, not {shown(content)}; correct it")
            found[field] = content
        elif content is not False and content not in ("", [], {}):
            fields = ", ".join(name for name, kind in known.items() if kind != NO_EFFECT)
            raise HardwayError(f"{what}: field {field!r} is unknown here; use {fields}")
    return found


def shown(value: Any) -> str:
    """Return a value as JSON."""
    return json.dumps(value, default=str, ensure_ascii=False)


def _is(value: Any, kind: str) -> bool:
    """Return whether a value has a type; in Python, but not in Go, true is a number."""
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind in (TEXTS, OBJECTS):
        each = _TYPES[TEXT if kind == TEXTS else OBJECT]
        return isinstance(value, list) and all(isinstance(item, each) for item in value)
    return isinstance(value, _TYPES[kind])
