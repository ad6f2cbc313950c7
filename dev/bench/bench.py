# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the HA deployment on three fresh sandbox hosts: first run, second run, and the floor under both."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.bench.floor import PROCESSOR, fastest, floor
from dev.tools.demo import refusal
from dev.tools.lab import TOP, Lab, table
from dev.tools.processes import Peak

WRAPPER = TOP / "dev/bench" / "count-connections.sh"


@dataclass
class Run:
    """One run of the playbook."""

    status: int
    seconds: float
    # Seconds of processors: ansible-playbook with its workers, the hosts, and everything on this machine.
    controller: float
    hosts: float
    machine: float
    round_trips: int
    sent: int
    # Kilobytes, and how they were counted.
    memory: int
    counted: str
    report: dict[str, Any]

    def by_role(self) -> dict[str, float]:
        """Return the seconds of each role, in order of appearance; tasks outside roles count for their play."""
        found: dict[str, float] = defaultdict(float)
        for task in self.report["tasks"]:
            found[task["role"].rpartition(".")[2] or task["play"]] += task["seconds"]
        return dict(found)

    def tasks(self) -> int:
        """Return how many tasks ran on a host at all."""
        return sum(1 for task in self.report["tasks"] if task["results"])

    def changed(self) -> int:
        """Return how many results were changes."""
        return sum(task["changed"] for task in self.report["tasks"])


def measure(lab: Lab, name: str) -> Run:
    """Run the playbook once and return what it cost; its output goes to a log."""
    connections = lab.directory / "connections"
    connections.write_text("", encoding="utf-8")
    environment = {
        **lab.playbook_environment(),
        "ANSIBLE_SSH_EXECUTABLE": str(WRAPPER),
        "ANSIBLE_SFTP_EXECUTABLE": str(WRAPPER.with_name("count-transfers.sh")),
        "HARDWAY_BENCH_CONNECTIONS": str(connections),
    }
    path = lab.directory / f"{name.replace(' ', '-')}.log"
    print(f"{name}; its output goes to {path.relative_to(TOP)}", flush=True)
    sent, hosts, machine, begin = lab.sent_bytes(), lab.processor_seconds(), machine_seconds(), time.monotonic()
    with path.open("wb") as log:
        command = lab.playbook_command("site.yml")
        process = subprocess.Popen(command, cwd=TOP, env=environment, stdout=log, stderr=subprocess.STDOUT)
        # ansible-playbook forks a worker for each host and task: only their sum says what a controller must have.
        peak = Peak(process.pid)
        peak.start()
        _pid, status, spent = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        machine, hosts = machine_seconds() - machine, lab.processor_seconds() - hosts
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = peak.end()
    if process.returncode:
        print(path.read_text(encoding="utf-8")[-5000:], file=sys.stderr)
    return Run(
        status=process.returncode,
        seconds=seconds,
        controller=spent.ru_utime + spent.ru_stime,
        hosts=hosts,
        machine=machine,
        round_trips=connections.stat().st_size,
        sent=lab.sent_bytes() - sent,
        memory=memory,
        counted=peak.kind,
        report=json.loads(lab.timing.read_text(encoding="utf-8")) if lab.timing.is_file() else {"tasks": []},
    )


def machine_seconds() -> float:
    """Return the processor seconds that this machine has spent since it started, on everything but waiting."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def show(first: Run, second: Run, starts: list[dict[str, float]]) -> str:
    """Return the table of both runs and the floor."""
    one, two = first.by_role(), second.by_role()
    rows = [[f"  {name}", f"{one.get(name, 0):.1f}", f"{two.get(name, 0):.1f}"] for name in {**one, **two}]
    memory = f"peak MB of ansible-playbook with its workers ({first.counted}, summed once a second)"
    rows = [["seconds", f"{first.seconds:.1f}", f"{second.seconds:.1f}"], *rows]
    rows += [
        ["processor seconds of the whole machine", f"{first.machine:.1f}", f"{second.machine:.1f}"],
        ["  of them ansible-playbook and its workers", f"{first.controller:.1f}", f"{second.controller:.1f}"],
        ["  of them the hosts", f"{first.hosts:.1f}", f"{second.hosts:.1f}"],
        ["tasks executed", str(first.tasks()), str(second.tasks())],
        ["changed results", str(first.changed()), str(second.changed())],
        ["round trips (ssh, sftp)", str(first.round_trips), str(second.round_trips)],
        ["MB sent to the hosts", f"{first.sent / 1e6:.0f}", f"{second.sent / 1e6:.1f}"],
        [memory, f"{first.memory / 1024:.0f}", f"{second.memory / 1024:.0f}"],
    ]
    # Seconds depend on the machine; the ratio to the floor does not.
    floors = []
    for name, least in fastest(starts).items():
        found = ", ".join(f"{start[name]:.1f}" if name in start else "-" for start in starts)
        spent = [run.hosts if name == PROCESSOR else run.seconds for run in (first, second)]
        ratios = [f"{seconds / least:.1f} times that" for seconds in spent]
        floors.append([name, f"{least:.1f}", found, *ratios])
    heads = ["floor: all units started at once, etcd empty", "fastest", "each start", "first run", "second run"]
    return "\n".join([table(["", "first run", "second run"], rows), "", table(heads, floors)])


def main() -> int:
    """Measure and print; return the exit status: failures count, time does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the hosts for a look")
    keep = parser.parse_args().keep
    if reason := refusal():
        print(f"make bench: {reason}", file=sys.stderr)
        return 1
    lab = Lab("bench", "ha")
    lab.down()
    try:
        lab.up(3)
        first = measure(lab, "first run")
        if first.status:
            return first.status
        second = measure(lab, "second run")
        print("floor", flush=True)
        starts = floor(lab)
        print(f"\n{os.cpu_count()} processors, binaries available, three hosts that carry everything\n")
        print(show(first, second, starts))
        return second.status
    finally:
        if not keep:
            lab.down()


if __name__ == "__main__":
    sys.exit(main())
