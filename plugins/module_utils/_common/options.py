# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts the value of an option to its type.

INI inventories, C(-e key=value), environment variables and vaults give text where YAML gives a type. Argument
specifications validate such text, but roles still see it as it was written; so each role converts what it uses.
"""

from __future__ import annotations

import ast
import json
import math
import typing as t

from ansible.module_utils.common.validation import check_type_dict, check_type_float, check_type_int
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

WORDS = {"bool": "true or false", "int": "a whole number", "float": "a number"}
# What programs keep in 64 bits.
MOST = 2**63 - 1


def converted(value: t.Any, kind: str, elements: str | None = None) -> t.Any:
    """Convert a value to bool, int, float, str, path, list or dict; null becomes an empty value.

    elements is the type of the values of a dict. Items of a list are text, or what they contain. Raises HardwayError.
    """
    try:
        return _CONVERSIONS[kind](value, elements) if kind in _CONVERSIONS else value
    except (TypeError, ValueError, ArithmeticError, RecursionError) as exc:
        raise HardwayError(f"{_shown(value)} is not {WORDS.get(kind, f'a {kind}')}") from exc


def text(value: t.Any) -> str:
    """Return a scalar as text, as YAML and JSON spell it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        raise TypeError("no scalar")
    return value if isinstance(value, str) else str(value)


def _bool(value: t.Any, _elements: str | None) -> bool:
    return boolean(value)


def _int(value: t.Any, _elements: str | None) -> int:
    if isinstance(value, bool):
        raise TypeError("no number")
    number = int(check_type_int(value))
    if abs(number) > MOST:
        raise OverflowError("too large")
    return number


def _float(value: t.Any, _elements: str | None) -> float:
    if isinstance(value, bool):
        raise TypeError("no number")
    number = float(check_type_float(value))
    if not math.isfinite(number):
        raise OverflowError("no number")
    return number


def _str(value: t.Any, _elements: str | None) -> str:
    return text(value)


def _list(value: t.Any, _elements: str | None) -> list[t.Any]:
    if value is None:
        items: list[t.Any] = []
    elif isinstance(value, (list, tuple)):
        items = list(value)
    elif isinstance(value, str):
        written = value.strip()
        items = _literal(written, list) if written[:1] == "[" else [part.strip() for part in written.split(",") if part]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        items = [text(value)]
    else:
        raise TypeError("no list")
    return [item if isinstance(item, (dict, list, tuple)) else text(item) for item in items]


def _dict(value: t.Any, elements: str | None) -> dict[str, t.Any]:
    if value is None:
        items: dict[str, t.Any] = {}
    elif isinstance(value, dict):
        items = value
    elif isinstance(value, str):
        written = value.strip()
        items = _literal(written, dict) if written[:1] in ("{", "") else check_type_dict(written)
    else:
        raise TypeError("no dict")
    return {name: converted(item, elements) for name, item in items.items()} if elements else items


def _literal(written: str, kind: type) -> t.Any:
    """Return what JSON, or the text that Python shows, spells."""
    if not written:
        return kind()
    try:
        found = json.loads(written)
    except ValueError:
        try:
            found = ast.literal_eval(written)
        except (SyntaxError, MemoryError, RecursionError) as exc:
            raise ValueError(str(exc)) from exc
    if not isinstance(found, kind):
        raise TypeError("another type")
    return found


def _shown(value: t.Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_CONVERSIONS: dict[str, t.Callable[[t.Any, str | None], t.Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "path": _str,
    "list": _list,
    "dict": _dict,
}
