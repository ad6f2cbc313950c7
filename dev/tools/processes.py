# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with all its descendants: list them, measure their memory, kill them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterable
from pathlib import Path


def family(ancestor: int) -> list[int]:
    """Return a process and all its descendants, the eldest first."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = [ancestor]
    for pid in found:
        found += children.get(pid, [])
    return found


def kill(pids: Iterable[int]) -> None:
    """Kill processes; those that are gone already do not matter."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def memory(pid: int, kind: str = "Pss") -> int:
    """Return the kilobytes of a process, nothing for one that is gone. Pss counts shared pages proportionally."""
    file = "smaps_rollup" if kind == "Pss" else "status"
    name = "Pss" if kind == "Pss" else "VmRSS"
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


class Peak(threading.Thread):
    """Measures, from outside, the memory of a process with all its descendants; keeps the maximum."""

    def __init__(self, ancestor: int, interval: float = 1.0) -> None:
        """Take the process to watch; Pss, else Rss, which counts shared pages in each process."""
        super().__init__(daemon=True)
        self.ancestor, self.interval = ancestor, interval
        self.kind = "Pss" if memory(os.getpid(), "Pss") else "Rss"
        self.most = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Measure about once a second until the end."""
        while True:
            total = sum(memory(pid, self.kind) for pid in family(self.ancestor))
            self.most = max(self.most, total)
            if self.ended.wait(self.interval):
                return

    def end(self) -> int:
        """Stop measuring; return the maximum in kilobytes."""
        self.ended.set()
        self.join()
        return self.most
