# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which members of etcd are defragmented, and in which order. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def free_share(answer: Mapping[str, Any]) -> float:
    """Return the percentage of the database file that defragmentation would free."""
    size = int(answer["db_size"])
    return 100.0 * (size - int(answer["db_size_in_use"])) / size if size else 0.0


def order(answers: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the members, the leader last: it blocks while it is defragmented, and a new one may be elected."""
    return sorted(answers, key=lambda answer: answer["id"] == answer["leader"])


def worthwhile(answers: Sequence[Mapping[str, Any]], threshold: float, full: bool) -> list[Mapping[str, Any]]:
    """Return the members to defragment, in order; all of them if the space has run out."""
    return [answer for answer in order(answers) if full or free_share(answer) > threshold]
