# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects a request wants, by their labels and by a few of their fields. Pure."""

from __future__ import annotations

import re
from typing import Any

from .client import ApiError

# a, !a, a=b, a==b, a!=b, a in (b, c), a notin (b, c)
TERM = re.compile(r"\s*(!?)\s*([\w./-]+)\s*(?:(==?|!=)([^,()]*)|(in|notin)\s*\(([^()]*)\)\s*)?(?:,|$)")


def choose(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the objects that the selectors of a request want; raise ApiError where these make no sense."""
    selected({"metadata": {}}, query)
    return [item for item in items if selected(item, query)]


def selected(item: dict[str, Any], query: dict[str, str]) -> bool:
    """Say whether the selectors of a request want an object."""
    labels, spec = item["metadata"].get("labels") or {}, item.get("spec") or {}
    fields = {f"metadata.{name}": item["metadata"].get(name, "") for name in ("name", "namespace")}
    fields |= {f"spec.{name}": spec.get(name, "") for name in ("nodeName", "signerName")}
    fields["type"] = item.get("type", "")
    return fits(query.get("labelSelector", ""), labels) and fits(query.get("fieldSelector", ""), fields)


def fits(selector: str, values: dict[str, str]) -> bool:
    """Say whether values satisfy all terms of a selector."""
    place, good = 0, True
    while place < len(selector):
        match = TERM.match(selector, place)
        if match is None:
            raise ApiError(400, f"unable to parse requirement: found '{selector[place:]}'")
        absent, name, sign, value, word, several = match.groups()
        if sign or word:
            wanted = {one.strip() for one in (several.split(",") if word else [value])}
            good &= (values.get(name) in wanted) is (sign in ("=", "==") or word == "in")
        else:
            good &= (name in values) is not bool(absent)
        place = match.end()
    return good
