# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value must be beyond its type, by the table of limits, and the real program's words where it is not. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Optional

from .values import READERS

Rule = Mapping[str, Any]


def problem(rules: Mapping[str, Rule], content: Mapping[str, Any], choices: Mapping[str, list[str]]) -> str:
    """Return the first thing that is wrong with flags or fields, which rules name by their path; nothing else."""
    for path, rule in rules.items():
        value: Any = content
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value not in (None, "") and (words := _broken(rule, value, choices)):
            return words
    return ""


def _broken(rule: Rule, value: Any, choices: Mapping[str, list[str]]) -> str:
    """Return what is wrong with one value, or with one in a list."""
    if "networks" in rule:
        return _networks(value.split(","), *rule["networks"])
    given = value if isinstance(value, list) else [value]
    if "once" in rule and len(set(given)) < len(given):
        return str(rule["once"].format(given))
    known = sorted(choices.get(rule.get("choices", ""), rule.get("among", [])))
    for word in given:
        # Only where names may be switched off do they begin so.
        name = word.removeprefix("-") if isinstance(word, str) else word
        wrong = _typed(rule.get("type", ""), word) or (known and name not in known and word != "*")
        if wrong or not rule.get("from", word) <= word <= rule.get("to", word) or not _fits(rule.get("pattern"), word):
            return str(rule["told"].format(name, known=", ".join(known), problem=wrong))
    return ""


def _typed(kind: str, text: str) -> str:
    """Return why a text is not of a type of flags."""
    try:
        READERS.get(kind, str)(text)
    except ValueError as exc:
        return str(exc)
    return ""


def _fits(pattern: Optional[str], text: Any) -> bool:
    """Say whether a text has a form, if it must have one."""
    return pattern is None or re.fullmatch(pattern, text) is not None


def network(text: str) -> Any:
    """Return a network; nothing where the text is none."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _networks(parts: list[str], each: str, many: str, alike: str, small: str) -> str:
    """Return what is wrong with a network, or with two of which each is to be of another family."""
    found = [network(part) for part in parts]
    wrong = next((number for number, one in enumerate(found[:2]) if one is None), None)
    if wrong is not None or len(parts) > 2:
        return many if wrong is None else each.format(wrong, parts[wrong])
    if len({one.version for one in found}) < len(found):
        return alike
    return small if found[0].num_addresses < 8 else ""
