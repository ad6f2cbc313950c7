# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check, the cheap ones first, and close with what passed, failed and was skipped."""

from __future__ import annotations

import os
import re
import signal
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
from dev.tools.lab import kubernetes_version, take_down_abandoned

TOP = Path(__file__).resolve().parents[2]
# Each group runs in parallel, so that one push shows every cheap mistake, and only when nothing failed before it.
# Integration keeps the processors busy by itself. What clients see is measured at the end, where
# there is less to do: the balancer's tests are about over when the cluster's clients come.
GROUPS = (
    ("lint", "docs-check", "types", "unit", "sanity", "build", "galaxy"),
    ("integration",),
    ("molecule", "e2e-others"),
    ("e2e-cluster", "e2e-balancer"),
    # Alone, for its own clients.
    ("e2e-operations",),
)
KEPT = re.compile(
    r"^(SKIPPED |FAILED |ERROR |=+ .*\d+ (passed|failed|skipped|errors?)\b|\d+ (passed|failed|skipped).* in )"
)


@dataclass
class Part:
    """One target of the Makefile, and the lines of its output that are repeated at the end."""

    name: str
    status: int | None = None  # None until it ends.
    begin: float | None = None
    end: float | None = None
    kept: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return its state and its seconds so far."""
        state = {0: "ok", None: "stopped"}.get(self.status, "FAILED")
        now = time.monotonic()
        return f"{state:7} {self.name:14} {(self.end or now) - (self.begin or now):6.0f} s"


def run(part: Part, *, whole: bool = False) -> None:
    """Run a target; show its output as it comes or, where others run beside it, as a whole. Keep what is repeated."""
    part.begin, shown = time.monotonic(), [f"\n===== make {part.name} =====\n"]
    command = ["make", "--no-print-directory", part.name]
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
    part.status, part.end = process.returncode, time.monotonic()


def show(lines: list[str]) -> None:
    """Print these lines in one piece, and clear them."""
    sys.stdout.write("".join(lines))
    sys.stdout.flush()
    lines.clear()


def summary(parts: list[Part], left_out: list[str]) -> str:
    """Return the closing lines: each part with its state and what pytest said of it."""
    lines = ["", "===== summary ====="]
    for part in parts:
        lines.append(part.line())
        lines += [f"         {line}" for line in part.kept]
    lines += [f"not run {name}: something before it failed, or the time was over" for name in left_out]
    skipped = [line for part in parts for line in part.kept if line.startswith("SKIPPED")]
    if skipped:
        lines += ["", f"!!!!! {len(skipped)} SKIPPED: this run does not vouch for everything !!!!!"]
        lines += [f"!!!!! {line}" for line in skipped]
    return "\n".join(lines)


def main() -> int:
    """Run the parts; return the exit status."""
    begin, parts, groups = time.time(), list[Part](), list(GROUPS)

    def left_out() -> list[str]:
        return [name for group in groups for name in group]

    def stopped(*_: object) -> None:
        """Show where the time went, for one who stops a run that lasts too long."""
        print(summary(parts, left_out()), flush=True)
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stopped)
    for name in take_down_abandoned():
        print(f"sandbox {name}: taken down, because the test that made it has ended", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while groups and all(part.status == 0 for part in parts):
            group = groups.pop(0)
            members = [Part(name) for name in group]
            parts += members
            list(pool.map(partial(run, whole=len(group) > 1), members))
    print(summary(parts, left_out()), flush=True)
    if seen := client_report.since(begin):
        print(f"\nWhat clients saw meanwhile, also in {client_report.REPORTS.relative_to(TOP)}:\n\n{seen}", flush=True)
    if notice := rehearsal.notice(kubernetes_version()):
        print("\n" + notice, flush=True)
    return 1 if any(part.status for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
