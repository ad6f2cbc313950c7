# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with all its descendants: who they are, how much memory they need, and the end of them."""

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
    """End processes without asking them; who is gone already is no matter."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def memory(pid: int, kind: str = "Pss") -> int:
    """Return the kilobytes of a process, nothing for one that is gone. Pss counts shared pages by their share."""
    file = "smaps_rollup" if kind == "Pss" else "status"
    name = "Pss" if kind == "Pss" else "VmRSS"
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


class Peak(threading.Thread):
    """Watches, from outside, how much memory a process and all its descendants have together; keeps the most."""

    def __init__(self, ancestor: int, interval: float = 1.0) -> None:
        """Take whom to watch; Pss where the kernel tells it, else Rss, which counts shared pages for each again."""
        super().__init__(daemon=True)
        self.ancestor, self.interval = ancestor, interval
        self.kind = "Pss" if memory(os.getpid(), "Pss") else "Rss"
        self.most = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Look, about once a second, until told to end."""
        while True:
            total = sum(memory(pid, self.kind) for pid in family(self.ancestor))
            self.most = max(self.most, total)
            if self.ended.wait(self.interval):
                return

    def end(self) -> int:
        """Look no more; return the most kilobytes there were."""
        self.ended.set()
        self.join()
        return self.most
