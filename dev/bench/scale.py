# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the controller costs with many hosts: whole playbooks, run by ansible-playbook over simulated hosts.

Three masters with etcd, haproxy and keepalived; the other hosts are nodes. Action plugins, filters and templates run as
in any other run, certificates are issued by real CAs, modules are packed and sent. The hosts' part is computed, so
neither ssh nor the hosts' own work is in the figures. tests/e2e/scale compares these hosts with real ones.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import pstats
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.tools.lab import TOP, table, tool
from dev.tools.processes import Peak

SIZES = (10, 100, 1000)
MASTERS = 3
PLUGINS = TOP / "dev" / "bench" / "plugins"
HOME = TOP / "build" / "bench-scale"
VIRTUAL = "10.100.255.250"
# What each program of a node or master is; their content does not matter.
CATALOG = TOP / "roles" / "cluster" / "vars" / "main" / "versions.yml"
# Seconds between samples of memory: reading that of large processes takes time from the run.
SAMPLING = 3.0


def address(number: int) -> str:
    """Return the address of a host."""
    return f"10.100.{number // 250}.{number % 250 + 1}"


def inventory(hosts: int) -> dict[str, Any]:
    """Return an inventory with so many hosts."""
    names = [f"m{number + 1}" if number < MASTERS else f"w{number - MASTERS + 1:04}" for number in range(hosts)]
    masters: dict[str, Any] = {"hosts": dict.fromkeys(names[:MASTERS])}
    nodes: dict[str, Any] = {"hosts": dict.fromkeys(names[MASTERS:])}
    return {
        "all": {
            "hosts": {name: {"ansible_host": address(number)} for number, name in enumerate(names)},
            "children": {"etcd": masters, "master": masters, "lb": masters, "node": nodes},
        }
    }


def variables() -> dict[str, Any]:
    """Return the variables of all hosts; everything else has its default."""
    return {
        "ansible_connection": "simulated",
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "cluster_api_vip": VIRTUAL,
        # The default has a /24 for 256 nodes.
        "cluster_pod_cidr": "10.240.0.0/12",
        "cluster_binary_dir": str(HOME / "binaries"),
        "cluster_cache_dir": str(HOME / "cache"),
    }


def write_binaries(directory: Path) -> None:
    """Write a small file for each program, so that nothing is downloaded."""
    catalog = yaml.safe_load(CATALOG.read_text(encoding="utf-8"))["_cluster_catalog"]
    directory.mkdir(parents=True, exist_ok=True)
    for component in catalog.values():
        for name in component.get("members", {}):
            # Its time is one of the inputs of a run.
            if not (directory / name).is_file():
                (directory / name).write_text(f"#!/bin/sh\n# {name}\n", encoding="utf-8")
                (directory / name).chmod(0o755)


def dump(content: Any) -> str:
    """Return content as YAML without references."""
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_arguments: True  # type: ignore[method-assign]
    return "---\n" + yaml.dump(content, Dumper=dumper, sort_keys=False)


@dataclass
class Measured:
    """What one run cost."""

    scenario: str
    hosts: int
    status: int
    # Of the wall, and of all processors: main process and workers.
    seconds: float
    processor: float
    # Of that, what the simulated hosts used to answer.
    simulation: float
    # Megabytes: resident memory of the main process, and proportional memory of all processes together.
    main_memory: int
    memory: int
    memory_kind: str
    tasks: int
    visits: int
    skipped: int
    cached: int
    changed: int
    contacted: int
    round_trips: int
    megabytes: float

    def row(self) -> list[str]:
        """Return the cells of the table."""
        return [
            self.scenario,
            str(self.hosts),
            f"{self.seconds:.1f}",
            f"{self.processor:.1f}",
            f"{self.simulation:.1f}",
            f"{self.main_memory}",
            f"{self.memory}",
            f"{self.tasks}",
            f"{self.visits}",
            f"{self.skipped}",
            f"{self.changed}",
            f"{self.contacted}",
            f"{self.round_trips}",
        ]


HEADING = [
    *("scenario", "hosts", "seconds", "processor s", "of it hosts", "MB main", "MB all", "tasks", "task × host"),
    *("skipped", "changed", "contacted", "round trips"),
]


class Cluster:
    """A simulated cluster of one size, and copies of its finished state."""

    def __init__(self, size: int, forks: int | None = None) -> None:
        """Take the number of hosts; nothing is written yet."""
        self.size, self.forks = size, forks
        self.directory = HOME / str(size)
        self.run = self.directory / "run"
        self.finished = self.directory / "finished"
        self.inventory = self.run / "inventory"
        # Where profiles go: that of the main process, and those of some workers.
        self.profiles: Path | None = None

    def prepare(self) -> None:
        """Deploy the cluster, or reuse what was deployed by the same code: until a run changes nothing."""
        write_binaries(HOME / "binaries")
        mark = self.directory / "finished.sha256"
        now = code()
        if mark.is_file() and mark.read_text(encoding="utf-8") == now and self.finished.is_dir():
            return
        if self.finished.is_dir():
            self.restore()
        else:
            shutil.rmtree(self.run, ignore_errors=True)
        self.write_inventory(self.size)
        for _attempt in range(3):
            found = self.play("preparation", ["site.yml"])
            if found.status:
                raise SystemExit(f"{self.size} hosts: not deployed; see {self.log('preparation')}")
            if not found.changed:
                break
        else:
            raise SystemExit(f"{self.size} hosts: every run changes something; see {self.log('preparation')}")
        shutil.rmtree(self.finished, ignore_errors=True)
        self.run.rename(self.finished)
        mark.write_text(now, encoding="utf-8")

    def restore(self) -> None:
        """Return to the finished state."""
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self.finished, self.run)

    def write_inventory(self, hosts: int) -> None:
        """Write the inventory."""
        (self.inventory / "group_vars").mkdir(parents=True, exist_ok=True)
        (self.inventory / "hosts.yml").write_text(dump(inventory(hosts)), encoding="utf-8")
        (self.inventory / "group_vars" / "all.yml").write_text(dump(variables()), encoding="utf-8")

    def log(self, name: str) -> Path:
        """Return where the output of a run goes."""
        return self.directory / f"{name.replace(' ', '-')}.log"

    def play(self, name: str, arguments: list[str]) -> Measured:
        """Run a playbook and return what it cost."""
        report, calls = self.directory / "report.json", self.directory / "calls"
        calls.write_text("", encoding="utf-8")
        report.unlink(missing_ok=True)
        command = [tool("ansible-playbook"), "-i", str(self.inventory), *arguments]
        if self.forks:
            command += ["--forks", str(self.forks)]
        environment = surroundings(self.run / "state", report, calls)
        if self.profiles:
            shutil.rmtree(self.profiles, ignore_errors=True)
            self.profiles.mkdir()
            environment["HARDWAY_SCALE_PROFILES"] = str(self.profiles)
        begin = time.monotonic()
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(command, cwd=TOP, env=environment, stdout=log, stderr=subprocess.STDOUT)
            peak = Peak(process.pid, SAMPLING)
            peak.start()
            _pid, status, spent = os.wait4(process.pid, 0)
            seconds = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        memory = peak.end()
        tasks = json.loads(report.read_text(encoding="utf-8"))["tasks"] if report.is_file() else []
        lines = [line.split() for line in calls.read_text(encoding="utf-8").splitlines()]
        done = ("ok", "changed", "failed", "unreachable")
        return Measured(
            scenario=name,
            hosts=self.size,
            status=process.returncode,
            seconds=round(seconds, 2),
            processor=round(spent.ru_utime + spent.ru_stime, 2),
            simulation=round(sum(float(line[3]) for line in lines), 2),
            main_memory=spent.ru_maxrss // 1024,
            memory=memory // 1024,
            memory_kind=peak.kind,
            tasks=sum(1 for task in tasks if any(task[kind] for kind in done)),
            visits=sum(task[kind] for task in tasks for kind in done),
            skipped=sum(task["skipped"] for task in tasks),
            cached=sum(task["cached"] for task in tasks),
            changed=sum(task["changed"] for task in tasks),
            contacted=len({line[0] for line in lines}),
            round_trips=len(lines),
            megabytes=round(sum(int(line[2]) for line in lines) / 1e6, 1),
        )


def surroundings(state: Path, report: Path, calls: Path) -> dict[str, str]:
    """Return the environment of a run over simulated hosts."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".collections"),
        "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
        "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "scale",
        # ansible.cfg has it for ssh.
        "ANSIBLE_PIPELINING": "true",
        "HARDWAY_SIMULATED_STATE": str(state),
        "HARDWAY_SIMULATED_CALLS": str(calls),
        "HARDWAY_SCALE_REPORT": str(report),
        "PYTHONPATH": str(TOP),
        # As for users, whose Python keeps compiled files.
        "PYTHONPYCACHEPREFIX": str(HOME / "pycache"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def code() -> str:
    """Return a digest of all that decides the arguments of modules, and of the simulation itself."""
    found = hashlib.sha256(os.fsencode(TOP))
    for directory in ("plugins", "roles", "playbooks", "dev/bench/simulated", "dev/bench/plugins"):
        for path in sorted((TOP / directory).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(path.read_bytes())
    return found.hexdigest()


def add(cluster: Cluster) -> list[str]:
    """Give the inventory one node more, and return the arguments that add it."""
    cluster.write_inventory(cluster.size + 1)
    name = list(inventory(cluster.size + 1)["all"]["hosts"])[-1]
    return ["playbooks/add.yml", "-e", f"hosts={name}"]


def due(cluster: Cluster) -> list[str]:
    """Let the kubelet's certificate be due on every node."""
    command = [sys.executable, "-m", "dev.bench.simulated.due", str(cluster.run / "state"), "kubelet"]
    subprocess.run(command, cwd=TOP, env=surroundings(cluster.run, Path(), Path()), check=True)
    return ["site.yml"]


def plain(*arguments: str) -> Callable[[Cluster], list[str]]:
    """Return a scenario that changes nothing before its run."""
    return lambda _cluster: list(arguments)


SCENARIOS: dict[str, Callable[[Cluster], list[str]]] = {
    "nothing to do": plain("site.yml"),
    "one node added": add,
    "one setting of all nodes": plain("site.yml", "-e", '{"node_max_pods": 123}'),
    "one certificate due everywhere": due,
    "verify": plain("playbooks/verify.yml"),
    "status": plain("playbooks/status.yml"),
    "certificates": plain("playbooks/certificates.yml"),
}


def profiled(profiles: list[Path], lines: int) -> str:
    """Return the functions that took the most time, of all profiles together."""
    text = io.StringIO()
    if profiles:
        found = pstats.Stats(*map(str, profiles), stream=text).strip_dirs()
        # Otherwise every file is listed.
        found.files = []  # type: ignore[attr-defined]
        for order in ("tottime", "cumulative"):
            found.sort_stats(order).print_stats(lines)
    return text.getvalue()


def measured(sizes: Iterable[int], scenarios: Iterable[str], forks: int | None, profile: int) -> list[Measured]:
    """Run every scenario with every size."""
    found = []
    for size in sizes:
        cluster = Cluster(size, forks)
        print(f"{size} hosts: preparing", file=sys.stderr, flush=True)
        cluster.prepare()
        for name in scenarios:
            cluster.restore()
            arguments = SCENARIOS[name](cluster)
            cluster.profiles = cluster.directory / f"{name.replace(' ', '-')}.profiles" if profile else None
            found.append(cluster.play(name, arguments))
            print(json.dumps(asdict(found[-1])), file=sys.stderr, flush=True)
            if cluster.profiles:
                for who in ("main", "worker"):
                    files = sorted(cluster.profiles.glob(f"{who}*.prof"))
                    print(f"{name}, {size} hosts, {len(files)} {who}, processor seconds:", flush=True)
                    print(profiled(files, profile), flush=True)
            if found[-1].status:
                print(f"{name}: failed; see {cluster.log(name)}", file=sys.stderr)
    return found


def main() -> int:
    """Measure and print; return the exit status: failures count, time does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of hosts, 4 or more each")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="some of these")
    parser.add_argument("--forks", type=int, help="other than in ansible.cfg")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument(
        "--profile", type=int, default=0, metavar="LINES", help="profile main process and workers, which slows them"
    )
    options = parser.parse_args()
    scenarios = [name.strip() for name in options.scenarios.split(",")]
    if unknown := [name for name in scenarios if name not in SCENARIOS]:
        parser.error(f"{', '.join(unknown)}: unknown; use some of {', '.join(SCENARIOS)}")
    sizes = [int(size) for size in options.sizes.split(",")]
    if min(sizes) <= MASTERS:
        parser.error(f"sizes: {min(sizes)} is too small; {MASTERS} hosts are masters, so use at least {MASTERS + 1}")
    found = measured(sizes, scenarios, options.forks, options.profile)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=1), encoding="utf-8")
    print(f"\n{os.cpu_count()} processors; simulated hosts; neither ssh nor the hosts' own work is included")
    print(f"MB main: resident memory of the largest process; MB all: {found[0].memory_kind} of it and its workers\n")
    print(table(HEADING, [each.row() for each in found]))
    return max(each.status for each in found)


if __name__ == "__main__":
    sys.exit(main())
