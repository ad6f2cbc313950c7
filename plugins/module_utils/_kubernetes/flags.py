# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a program of Kubernetes which flags it does not know: it parses them before it prints its version. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Callable

_UNKNOWN = re.compile(r"unknown (?:shorthand )?flag: (?:'.' in )?(-[\w.-]+)")
_GATE = re.compile(r"unrecognized feature gate: (\S+)")
_NOISE = re.compile(r"^(?:[EF]\d{4} \S+ +\d+ \S+\] )?(?:\"command failed\" err=)?")

# Returns exit status and output of the program with these flags.
Run = Callable[[Sequence[str]], "tuple[int, str]"]


def check(flags: Sequence[str], run: Run) -> dict[str, Any]:
    """Return the flags that a program does not know, another reason why it refuses them, and unknown feature gates.

    A program names one unknown flag at a time, so it runs again without that one.
    """
    left, unknown = list(flags), list[str]()
    while True:
        status, output = run(left)
        gates = sorted({found.strip('"') for found in _GATE.findall(output)})
        if not status:
            return {"unknown": unknown, "error": "", "gates": gates}
        found = _UNKNOWN.search(output)
        rest = [flag for flag in left if not found or flag.partition("=")[0] != found[1]]
        if not found or len(rest) == len(left):
            return {"unknown": unknown, "error": _reason(output), "gates": gates}
        unknown.append(found[1])
        left = rest


def _reason(output: str) -> str:
    """Return the line of the output that names the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"Error: |[EF]\d{4} ", line)]
    text = _NOISE.sub("", (named or lines or ["no output"])[-1]).replace('\\"', '"')
    return text.strip('"').removeprefix("Error: ").removeprefix("failed to parse kubelet flag: ")
