# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects units that failed or keep failing, so that waiting for them can end early."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Callable, Optional

Run = Callable[[list[str]], "tuple[int, str, str]"]

PROPERTIES = ("ActiveState", "SubState", "Result", "NRestarts")
# A start may fail because of what comes a moment later; three in a row do not.
ENOUGH = 3
LINES = 15


def why_waiting_is_useless(seen: Mapping[str, str], restarts_before: int) -> str:
    """Return why waiting for a unit is useless; empty if it is not."""
    if seen.get("ActiveState") == "failed":
        return f"failed ({seen.get('Result', '')})"
    again = int(seen.get("NRestarts") or 0) - restarts_before
    if seen.get("ActiveState") == "activating" and again >= ENOUGH:
        return f"failed {again} times in a row, and systemd keeps trying"
    return ""


class Watch:
    """Watches one unit of this host during a wait."""

    def __init__(self, run: Run, name: str) -> None:
        """Take what runs a command; failures are counted from now on."""
        self._run = run
        self._name = name
        self._restarts: Optional[int] = None

    def reason(self) -> str:
        """Return why waiting is useless, with the unit's last log lines; empty if it is not."""
        _code, out, _err = self._run(["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", self._name])
        seen = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        if self._restarts is None:
            self._restarts = int(seen.get("NRestarts") or 0)
        why = why_waiting_is_useless(seen, self._restarts)
        if not why:
            return ""
        return f"{self._name} {why}. Its last lines (journalctl -u {self._name} has all):\n{self._journal()}"

    def _journal(self) -> str:
        """Return the unit's last lines, without what looks like a secret."""
        _code, out, _err = self._run(
            ["journalctl", "-q", "--no-pager", "-o", "cat", "-n", str(LINES), "-u", self._name]
        )
        return re.sub(r"(?i)(token|passw\w*|secret)(\"?\s*[=:]\s*)\S+", r"\1\2***", out.strip()[-4000:])
