# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run molecule scenarios, the usual ones or those named; those without their Kubernetes binaries are skipped."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.standins import use as rehearsal
from dev.tools.lab import TOP, collect, kubernetes_version, require_binaries, tool

# Whether a scenario needs the Kubernetes binaries; the quickest first.
SCENARIOS = {"components": False, "default": True, "ha": True}
# Only when named: tests/e2e/cluster does the same with the same hosts, and more.
NAMED_ONLY = {"ha"}


def hold_hosts() -> TextIO:
    """Wait until no other run in this clone uses the scenarios' hosts; the lock is held until the result is closed."""
    path = TOP / ".cache" / "molecule.lock"
    path.parent.mkdir(exist_ok=True)
    lock = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("make molecule: another run uses the hosts; waiting for its end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main() -> int:
    """Run the scenarios until one fails; return the exit status."""
    wanted = sys.argv[1:] or [name for name in SCENARIOS if name not in NAMED_ONLY]
    if unknown := set(wanted) - set(SCENARIOS):
        print(
            f"make molecule: no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}",
            file=sys.stderr,
        )
        return 2
    if os.geteuid() != 0:
        print(f"SKIPPED molecule {' '.join(wanted)}: sandbox hosts need root")
        return 0
    lock = hold_hosts()
    clusters = any(SCENARIOS[name] for name in wanted)
    lost = require_binaries() if clusters else None
    if not clusters:
        # etcd comes from Debian where no other is available.
        collect()
    if clusters and (notice := rehearsal.notice(kubernetes_version())):
        print(notice, flush=True)
    for name in wanted:
        if lost and SCENARIOS[name]:
            print(f"SKIPPED molecule {name}: the Kubernetes binaries are missing and could not be downloaded\n{lost}")
            continue
        command = [tool("molecule"), "test", "--scenario-name", name]
        # Wide and plain, so that logs can be searched and pytest's lines stay whole.
        environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
        status = subprocess.run(command, cwd=TOP, env=environment, check=False).returncode
        if status:
            return status
    lock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
