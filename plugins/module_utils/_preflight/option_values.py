# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that many hosts share: the same object of a group's variables is checked once, not once per host."""

from __future__ import annotations

import typing as t

PLAIN = (str, int, float, bool, type(None))
TEMPLATE = ("{{", "{%", "{#")


class Values:
    """Knows which values stand in an inventory as they are, without a template or a vault in them."""

    def __init__(self) -> None:
        # By identity, and kept, for an identity is good as long as its object lives.
        self._known: dict[int, tuple[t.Any, bool]] = {}

    def is_plain(self, value: t.Any) -> bool:
        """Return whether a value needs nothing else to be known."""
        if id(value) not in self._known:
            self._known[id(value)] = (value, _is_plain(value))
        return self._known[id(value)][1]


class Seen:
    """Calls a function once for each value that differs."""

    def __init__(self) -> None:
        self._by_identity: dict[tuple[str, int], tuple[t.Any, list[str]]] = {}
        self._by_text: dict[tuple[str, str], list[str]] = {}

    def once(self, name: str, value: t.Any, call: t.Callable[[str, t.Any], list[str]]) -> list[str]:
        """Return what the function said of this value."""
        place = (name, id(value))
        if place not in self._by_identity:
            text = (name, repr(value))
            if text not in self._by_text:
                self._by_text[text] = call(name, value)
            self._by_identity[place] = (value, self._by_text[text])
        return self._by_identity[place][1]


def _is_plain(value: t.Any) -> bool:
    if isinstance(value, str):
        return not any(mark in value for mark in TEMPLATE)
    if isinstance(value, dict):
        return all(_is_plain(name) and _is_plain(item) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, PLAIN)
