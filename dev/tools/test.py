# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check, the cheap ones first, and close with what passed, failed and was skipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.standins import use as rehearsal
from dev.tools import client_report
from dev.tools.lab import kubernetes_version

TOP = Path(__file__).resolve().parents[2]
# Each group runs in parallel, so that one push shows every cheap mistake, and only when nothing failed before it.
# Integration keeps the processors busy by itself. What clients see is measured at the end, where
# there is less to do: the balancer's tests are about over when the cluster's clients come.
GROUPS = (
    ("lint", "docs-check", "types", "unit", "sanity", "build", "galaxy"),
    ("integration",),
    ("molecule", "e2e-others"),
    ("e2e-cluster", "e2e-balancer"),
)
KEPT = re.compile(
    r"^(SKIPPED |FAILED |ERROR |=+ .*\d+ (passed|failed|skipped|errors?)\b|\d+ (passed|failed|skipped).* in )"
)


@dataclass
class Part:
    """One target of the Makefile, and the lines of its output that are repeated at the end."""

    name: str
    status: int = 0
    seconds: float = 0.0
    kept: list[str] = field(default_factory=list)


def run(name: str, *, whole: bool = False) -> Part:
    """Run a target; show its output as it comes or, where others run beside it, as a whole. Keep what is repeated."""
    part, begin, shown = Part(name), time.monotonic(), [f"\n===== make {name} =====\n"]
    command = ["make", "--no-print-directory", name]
    with subprocess.Popen(command, cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101
        for line in process.stdout:
            shown.append(line)
            # Molecule frames what it runs.
            text = line.strip("\n │")
            if KEPT.search(text):
                part.kept.append(text)
            if not whole:
                show(shown)
    show(shown)
    part.status, part.seconds = process.returncode, time.monotonic() - begin
    return part


def show(lines: list[str]) -> None:
    """Print these lines in one piece, and clear them."""
    sys.stdout.write("".join(lines))
    sys.stdout.flush()
    lines.clear()


def summary(parts: list[Part], left_out: list[str]) -> str:
    """Return the closing lines: each part with its state and what pytest said of it."""
    lines = ["", "===== summary ====="]
    for part in parts:
        lines.append(f"{'ok    ' if part.status == 0 else 'FAILED'} {part.name:12} {part.seconds:6.0f} s")
        lines += [f"         {line}" for line in part.kept]
    lines += [f"not run {name}: something before it failed" for name in left_out]
    skipped = [line for part in parts for line in part.kept if line.startswith("SKIPPED")]
    if skipped:
        lines += ["", f"!!!!! {len(skipped)} SKIPPED: this run does not vouch for everything !!!!!"]
        lines += [f"!!!!! {line}" for line in skipped]
    return "\n".join(lines)


def main() -> int:
    """Run the parts; return the exit status."""
    begin, parts, groups = time.time(), list[Part](), list(GROUPS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while groups and all(part.status == 0 for part in parts):
            group = groups.pop(0)
            parts += pool.map(partial(run, whole=len(group) > 1), group)
    print(summary(parts, [name for group in groups for name in group]), flush=True)
    if seen := client_report.since(begin):
        print(f"\nWhat clients saw meanwhile, also in {client_report.REPORTS.relative_to(TOP)}:\n\n{seen}", flush=True)
    if notice := rehearsal.notice(kubernetes_version()):
        print("\n" + notice, flush=True)
    return 1 if any(part.status for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
