# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill a process by SIGKILL before each of its file-system calls in turn, to check every state in between."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

# Python reports them before it makes the call. Files that are opened to be read change nothing.
_CALLS = ("rename", "link", "symlink", "remove", "mkdir", "rmdir", "chmod", "chown", "truncate")
EVENTS = {"open", *(f"os.{name}" for name in _CALLS)}


def run_killed(work: Callable[[], object], number: int) -> bool:
    """Run work in a process that is killed before its call of this number; return False when it ended before."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(event: str, arguments: Any) -> None:
            nonlocal seen
            reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if event in EVENTS and not reads:
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        status = 70
        try:
            sys.addaudithook(count)
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"the work failed by itself: {status}"
    return status != 0


def each_kill(work: Callable[[int], Callable[[], object]], limit: int = 200) -> Iterator[int]:
    """Repeat the work with a kill before each call; yield the number after each kill, and once more when it is done."""
    for number in range(1, limit):
        killed = run_killed(work(number), number)
        yield number
        if not killed:
            return
    raise AssertionError("the kill never missed: raise the limit")
