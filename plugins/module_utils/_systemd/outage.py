# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops units for a while. A timer of systemd starts them again, whatever becomes of the run that stopped them."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Run, Systemd

NAME = "hardway-outage"


class Outage:
    """At most one on a host at a time."""

    def __init__(self, run: Run) -> None:
        """Remember how to run commands."""
        self._run, self._systemd = run, Systemd(run)

    def is_running(self) -> bool:
        """Return whether a timer is to start units again."""
        return self._systemd.show([f"{NAME}.timer"])[f"{NAME}.timer"].running

    def end(self, check: bool) -> dict[str, Any]:
        """Start the units of an outage that has not ended yet."""
        running = self.is_running()
        if running and not check:
            try:
                self._systemd.do("start", f"{NAME}.service")
                self._systemd.do("stop", f"{NAME}.timer")
            except HardwayError:
                # It may have elapsed meanwhile, and is unloaded then.
                if self.is_running():
                    raise
        return {"changed": running}

    def begin(self, units: list[str], starts: list[str], seconds: int, check: bool) -> dict[str, Any]:
        """Stop units that run, and have these and others started again; return when."""
        seen = self._systemd.show(units)
        idle = [name for name in units if not seen[name].running]
        if idle:
            raise HardwayError(f"{', '.join(idle)}: not active, so there is nothing to stop; run verify")
        if self.is_running():
            raise HardwayError(f"{NAME}.timer: another outage has not ended; run again with state started")
        if check:
            return {"changed": True}
        began = time.time()
        # First the timer: from now on, nothing can keep the units stopped.
        self._command(
            *("systemd-run", f"--unit={NAME}", "--quiet", "--collect", f"--on-active={seconds}s"),
            *("--timer-property=AccuracySec=100ms", "--timer-property=RemainAfterElapse=no"),
            *("systemctl", "start", *units, *starts),
        )
        self._systemd.do("stop", *units)
        return {"changed": True, "began": began, "stopped": time.time(), "starts": began + seconds}

    def _command(self, *command: str) -> None:
        code, _out, err = self._run(list(command))
        if code != 0:
            raise HardwayError(f"{command[0]}: {err.strip()}; nothing was stopped")
