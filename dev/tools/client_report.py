# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients saw while a cluster lived: the figures of tests that pass, kept where they can be read and published."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.standins import use as rehearsal
from dev.tools.lab import TOP, kubernetes_version

REPORTS = TOP / "build" / "reports"
COLUMNS = {
    "requests": "requests",
    "failures": "failed",
    "retried": "repeated once",
    "outage": "longest wait, s",
    "writes": "writes",
    "lost": "lost",
    "reasons": "why repeated or failed",
    "note": "note",
}


def record(what: str, figures: Mapping[str, Any], note: str = "", directory: Path = REPORTS) -> None:
    """Put one proof's figures into the report, in the place of those of an earlier run."""
    path = directory / "live.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    version = kubernetes_version()
    programs = f"stand-ins for {version}" if rehearsal.replaced(version) else version
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known[what] = {**figures, "note": note, "kubernetes": programs, "when": when}
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    (directory / "live.md").write_text(table(known), encoding="utf-8")


def since(begin: float, directory: Path = REPORTS) -> str:
    """Return the report if anything was put into it since a time, else nothing."""
    path = directory / "live.md"
    return path.read_text(encoding="utf-8") if path.is_file() and path.stat().st_mtime >= begin else ""


def table(known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the report as a table of Markdown."""
    heading = ["what happened", *COLUMNS.values(), "Kubernetes", "when"]
    rows = [
        [what, *(cell(figures.get(name, "")) for name in COLUMNS), figures["kubernetes"], figures["when"]]
        for what, figures in known.items()
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [heading, ["---"] * len(heading), *rows]) + "\n"


def cell(value: Any) -> str:
    """Return a value as it stands in the table."""
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {reason}" for reason, count in value.items())
    return str(value)
