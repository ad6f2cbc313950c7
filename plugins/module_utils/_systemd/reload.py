# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies that a reload succeeded; after a failed one the old process keeps serving."""

from __future__ import annotations

import glob
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until

if TYPE_CHECKING:
    from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

# Seconds to wait for a new process, and for which it must live.
LONGEST = 15.0
LIVES = 0.5
# Seconds to wait for log lines, which some versions of a program do not print.
SPOKEN = 3.0


class Reload:
    """One reload of one unit, from before it is ordered."""

    def __init__(self, systemd: Systemd, name: str, check: Optional[Mapping[str, Any]], main_pid: int) -> None:
        self._systemd = systemd
        self._name = name
        self._check = check or {}
        self._main_pid = main_pid
        self._since = time.time()
        self._before = children(main_pid)

    def verify(self) -> None:
        """Wait until the reload succeeded; raise with the unit's last log lines on failure."""
        if self._check.get("new_process"):
            born, _last = wait_until(self._has_new_child, bool, timeout=LONGEST)
            if not born:
                self._fail("no new process has taken over")
        done, failed = self._check.get("done"), self._check.get("failed")
        if done or failed:
            said = self._said(done)
            wrong = [line for line in said.splitlines() if failed and re.search(failed, line)]
            if wrong:
                self._fail(wrong[0].strip())

    def _has_new_child(self) -> bool:
        """Return whether the main process has a new child that stays alive."""
        new = children(self._main_pid) - self._before
        if new:
            time.sleep(LIVES)
        return bool(new & children(self._main_pid))

    def _said(self, done: Optional[str]) -> str:
        """Return what the unit logged since the reload was ordered, up to the words that end it or for a time."""
        _ended, text = wait_until(
            lambda: self._systemd.logged(self._name, self._since),
            lambda text: bool(done and re.search(done, text)),
            timeout=SPOKEN,
        )
        return text

    def _fail(self, reason: str) -> None:
        raise HardwayError(
            f"{self._name}: its reload failed, and it keeps serving with the previous configuration: {reason}; "
            f"fix the cause and run again. {self._systemd.last_lines(self._name)}"
        )


def children(pid: int) -> set[tuple[int, str]]:
    """Return the child processes of a process, each with when it started: numbers are used again."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        # After the name, which may hold anything: state, parent, and as the twentieth the time of start.
        fields = text_of(path).rpartition(")")[2].split()
        if len(fields) > 19 and fields[1] == str(pid) and fields[0] not in ("Z", "X"):
            found.add((int(path.split("/")[2]), fields[19]))
    return found
