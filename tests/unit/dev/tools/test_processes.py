# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process and its descendants, also those that lead a session of their own: found, measured, killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.tools import processes

MEGABYTES = 40
# Each allocates this much memory and starts the next, as Ansible its workers.
PROGRAM = f"""
import subprocess, sys, time
held = bytearray(b"x" * {MEGABYTES << 20})
if len(sys.argv) > 1:
    subprocess.Popen([sys.executable, "-IS", "-c", *sys.argv[1:]], start_new_session=True)
time.sleep(60)
"""


@pytest.fixture
def ancestor() -> Iterator[int]:
    """Return a process with a child and a grandchild."""
    line = [sys.executable, "-IS", "-c", PROGRAM, PROGRAM, PROGRAM]
    with subprocess.Popen(line) as process:
        end = time.monotonic() + 20
        while time.monotonic() < end and len(processes.family(process.pid)) < 3:
            time.sleep(0.05)
        yield process.pid
        processes.kill(processes.family(process.pid))


@pytest.mark.parametrize("kind", ["Pss", "Rss"])
def test_memory_is_the_sum_of_all(ancestor: int, kind: str) -> None:
    peak = processes.Peak(ancestor, interval=0.05)
    peak.kind = kind
    peak.start()
    end = time.monotonic() + 20
    while time.monotonic() < end and peak.most < 3 * MEGABYTES << 10:
        time.sleep(0.05)
    assert 3 * MEGABYTES << 10 <= peak.end() < 6 * MEGABYTES << 10
    assert processes.memory(ancestor, kind) < 2 * MEGABYTES << 10, "one alone has no more than its own"


def test_all_of_them_end(ancestor: int) -> None:
    found = processes.family(ancestor)
    assert len(found) == 3
    processes.kill([*found, *found])
    end = time.monotonic() + 10
    while time.monotonic() < end and any(running(pid) for pid in found):
        time.sleep(0.05)
    assert not any(running(pid) for pid in found)


def running(pid: int) -> bool:
    """Return whether a process is running, and not only a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
