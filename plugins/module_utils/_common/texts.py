# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts: of files that may be missing, and of lists for messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def text_of(path: str) -> str:
    """Return the text of a file; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def shortened(names: Sequence[str], most: int = 5) -> str:
    """Return names in one line, with the number of those that would make it too long."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def hosts_in_words(hosts: Collection[str]) -> str:
    """Return sorted names as `host a` or `hosts a, b`."""
    return f"host{'s' if len(hosts) > 1 else ''} {', '.join(sorted(hosts))}"
