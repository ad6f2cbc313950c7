# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Program that prints the tasks that have not finished, run by callback plugin progress.

It is a process of its own: a thread that prints could hold a lock while Ansible forks a worker.
It reads one JSON list a line from standard input: [task's ID, host, task's name] when a host starts a task,
[task's ID, host] when it has finished. Its argument is the interval in seconds. It ends with its input.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Collection, Iterator

# As many hosts are named; a cluster may have hundreds.
NAMED = 8


def named(hosts: Collection[str], most: int = NAMED) -> str:
    """Return the names of hosts, and how many more there are."""
    return ", ".join([*list(hosts)[:most], *([f"{len(hosts) - most} more"] if len(hosts) > most else [])])


class Running:
    """The tasks that have not finished on all hosts."""

    def __init__(self, interval: float) -> None:
        """Take the seconds between two reports of a task."""
        self.interval = interval
        self.tasks: dict[str, tuple[str, float, dict[str, None]]] = {}
        self.reports: dict[str, int] = {}

    def take(self, line: str, now: float) -> None:
        """Note that a host has started or finished a task."""
        task, host, *name = json.loads(line)
        if name:
            self.tasks.setdefault(task, (name[0], now, {}))[2][host] = None
        elif task in self.tasks:
            self.tasks[task][2].pop(host, None)
            if not self.tasks[task][2]:
                del self.tasks[task]
                self.reports.pop(task, None)

    def due(self, now: float) -> Iterator[str]:
        """Yield a line for each task that has run for another interval."""
        for task, (name, begin, hosts) in self.tasks.items():
            passed = int((now - begin) / self.interval)
            if passed > self.reports.get(task, 0):
                self.reports[task] = passed
                yield f"running for {now - begin:.0f} s: {name} [{named(hosts)}]"


def main() -> None:
    """Read what happens until the run ends."""
    running, rest = Running(float(sys.argv[1])), b""
    while True:
        if select.select([0], [], [], 1)[0]:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                running.take(line.decode(), time.monotonic())
            # Many lines at once: the processors have other work to do.
            time.sleep(0.05)
        for text in running.due(time.monotonic()):
            os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    main()
