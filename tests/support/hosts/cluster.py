# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on sandbox hosts, and what tests do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dev.sandbox.lifecycle import layout_of
from dev.tools import client_report
from dev.tools.lab import SANDBOX, TOP, Lab, tool

UNITS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "haproxy",
    "keepalived",
    "containerd",
    "kubelet",
    "kube-proxy",
    "flanneld",
)
# They end themselves, and systemd starts them again, when they cannot renew their lease.
LEADERS = ("kube-controller-manager", "kube-scheduler")
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


@dataclass
class Run:
    """One finished run of the playbook."""

    status: int
    output: str
    tasks: list[dict[str, Any]]

    @property
    def changed(self) -> dict[str, int]:
        """Return the tasks that changed something, with the number of hosts."""
        return {task["name"]: task["changed"] for task in self.tasks if task["changed"]}

    @property
    def failure(self) -> str:
        """Return the output about the first failed task, or the end."""
        begin = self.output.find("fatal: [")
        return self.output[max(0, begin - 3000) : begin + 3000] if begin >= 0 else self.output[-6000:]

    @property
    def changes(self) -> Counter[tuple[str, str, str]]:
        """Return play, role and name of the tasks that changed something, with the number of hosts."""
        found: Counter[tuple[str, str, str]] = Counter()
        for task in self.tasks:
            found[task["play"], task["role"], task["name"]] += task["changed"]
        return +found


@dataclass
class Poll:
    """What a polling client saw."""

    requests: int = 0
    failures: int = 0
    retried: int = 0
    outage: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    lost: int = 0


class Cluster(Lab):
    """Sandbox hosts of a highly available cluster; three that carry everything unless groups say otherwise."""

    def __init__(self, name: str, groups: list[str] | None = None) -> None:
        """Remember the name; nothing is created yet."""
        super().__init__(name, "ha", groups)
        # The first deployment and the check before it; for tests that need their results.
        self.checked = self.first = Run(-1, "", [])
        self.first_marks: dict[str, set[str]] = {}
        # Variables that a test has set permanently, as an operator would in the inventory.
        self.settings: dict[str, Any] = {}

    def run(self, *arguments: str, playbook: str = "site.yml") -> Run:
        """Run a playbook and return its result."""
        self.timing.unlink(missing_ok=True)
        log = self.directory / "playbook.log"
        with log.open("w", encoding="utf-8") as output:
            status = subprocess.run(
                self.command(*arguments, playbook=playbook),
                cwd=TOP,
                env={
                    **os.environ,
                    "ANSIBLE_CALLBACKS_ENABLED": "hardway.kubernetes.timing",
                    "HARDWAY_TIMING_REPORT": str(self.timing),
                },
                stdout=output,
                stderr=output,
                check=False,
            ).returncode
        report = json.loads(self.timing.read_text(encoding="utf-8")) if self.timing.is_file() else {"tasks": []}
        return Run(status, log.read_text(encoding="utf-8"), report["tasks"])

    def deploy(self, *arguments: str) -> Run:
        """Run site.yml and require success."""
        done = self.run(*arguments)
        assert done.status == 0, done.output[-6000:]
        return done

    def found(self) -> None:
        """Deploy on clean hosts, after a check run that predicts it."""
        self.checked = self.deploy("--check", "--diff")
        self.first = self.deploy()
        self.first_marks = self.marks()

    def command(self, *arguments: str, playbook: str = "site.yml") -> list[str]:
        """Return the command that runs a playbook beside the hosts."""
        line = [str(SANDBOX), "run", "--name", self.name, "--", tool("ansible-playbook"), playbook]
        return [*line, "-i", str(self.inventory), "-e", json.dumps(self.settings), *arguments]

    @property
    def controller(self) -> str:
        """Return the address of this machine in the network of the hosts."""
        layout, _state = layout_of(self.name)
        return layout.controller

    @contextmanager
    def beside(self, script: str, *arguments: str) -> Iterator[Path]:
        """Run a script of tests/support/hosts beside the hosts while the block runs; yield the file with its output."""
        program = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
        output = self.directory / f"{script}.log"
        with output.open("w", encoding="utf-8") as log:
            process = subprocess.Popen([str(SANDBOX), "run", "--name", self.name, "--", *program], stdout=log)
            try:
                yield output
            finally:
                process.terminate()
                process.wait()

    def forget(self, *variables: str) -> None:
        """Take variables out of the inventory, by default the version of Kubernetes, which an upgrade then decides."""
        path = self.inventory / "group_vars/all/cluster.yml"
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        kept = {
            name: value for name, value in found.items() if name not in (variables or ("cluster_kubernetes_version",))
        }
        path.write_text(yaml.safe_dump(kept), encoding="utf-8")

    def visit(self) -> None:
        """Let the next run visit all hosts, also those on which nothing is to be done."""
        for host in self.hosts():
            self.exec(host, "rm -f /var/lib/hardway/up-to-date.json")

    def marks(self) -> dict[str, set[str]]:
        """Return the cached results on which the mark of each host relies; none for a host without a mark."""
        shown = {host: self.exec(host, "cat /var/lib/hardway/up-to-date.json").stdout for host in self.hosts()}
        return {host: set(json.loads(text)["results"]) if text else set() for host, text in shown.items()}

    def kubectl(self, host: str, command: str) -> str:
        """Return what kubectl prints on a master, and require success."""
        done = self.exec(host, f"{KUBECTL} {command}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def starts(self) -> dict[str, str]:
        """Return start time and process of every unit on every host."""
        found = {}
        for host in self.hosts():
            names = " ".join(f"{unit}.service" for unit in UNITS)
            shown = self.exec(host, f"systemctl show -p Id,MainPID,ExecMainStartTimestampMonotonic {names}").stdout
            for block in shown.strip().split("\n\n"):
                values = dict(line.split("=", 1) for line in block.splitlines())
                name = values["Id"].removesuffix(".service")
                found[f"{host} {name}"] = f"{values['MainPID']} {values['ExecMainStartTimestampMonotonic']}"
        return found

    def ended_itself(self, name: str, since: float) -> bool:
        """Return whether a unit of a host is a leader that could not renew its lease since then."""
        host, _space, unit = name.partition(" ")
        ends = "leaderelection lost|main process exited"
        lost = f"journalctl --quiet --unit {unit} --since @{int(since)} | grep -iE '{ends}'"
        said = self.exec(host, lost).stdout if unit in LEADERS else ""
        print(f"{name}: {said or 'was restarted'}")
        return bool(said)

    def nodes_lost(self) -> set[str]:
        """Return the events of nodes that the controller manager took for dead, with how often it did."""
        shown = "jsonpath='{range .items[*]}{.metadata.name}/{.count} {end}'"
        return set(self.kubectl(self.hosts()[0], f"get events --field-selector reason=NodeNotReady -o {shown}").split())

    def took_turns(self, unit: str) -> bool:
        """Return whether a unit was restarted on one host after the other, by the one clock of all sandbox hosts."""
        show = f"systemctl show -P ActiveExitTimestampMonotonic -P ActiveEnterTimestampMonotonic {unit}"
        times = [self.exec(host, show).stdout.split() for host in self.hosts()]
        down = sorted((min(map(int, both)), max(map(int, both))) for both in times)
        print(f"{unit} was down: {down}")
        return all(earlier[1] < later[0] for earlier, later in zip(down, down[1:]))

    def holder(self, address: str = "") -> str:
        """Return the host that has the virtual address, an empty string for none."""
        address = address or self.virtual_address()
        return next((host for host in self.hosts() if self.exec(host, f"ip -o addr show to {address}").stdout), "")

    @contextmanager
    def polling(self, interval: float = 0.05, address: str = "") -> Iterator[Poll]:
        """Poll the API through the virtual address while the block runs; the results are available after it."""
        script = Path(__file__).with_name("poller.py")
        credentials = [str(self.pki / name) for name in ("ca.crt", "admin.crt", "admin.key")]
        url = f"https://{address or self.virtual_address()}:6443"
        line = [str(SANDBOX), "run", "--name", self.name, "--", sys.executable, str(script), url, *credentials]
        poll = Poll()
        with subprocess.Popen(
            [*line, str(interval)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield poll
            finally:
                answer, _errors = process.communicate("stop\n", timeout=60)
            vars(poll).update(json.loads(answer))


def mispredicted(check: Run, first: Run) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return the tasks for which a check predicted another number of changed hosts than the run then had, with both."""
    said, done = check.changes, first.changes
    return {task: (said[task], done[task]) for task in {**said, **done} if said[task] != done[task]}


def undisturbed(poll: Poll, what: str, servers: int) -> None:
    """Require no more than this: each of so many servers, when it stops, ends the two connections that clients keep."""
    unharmed(poll, what)
    assert poll.retried <= 2 * servers, poll
    assert not any("new connection" in reason for reason in poll.reasons), poll


def unharmed(poll: Poll, what: str, note: str = "") -> None:
    """Record what a client saw for the report, and require that no request failed after one immediate retry."""
    client_report.record(what, vars(poll), note)
    assert poll.requests > 100 and poll.writes > 20
    assert (poll.failures, poll.lost) == (0, 0), poll


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition is true, and fail after a timeout."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.5)


def marked_at_first(cluster: Cluster) -> None:
    """Require that the marks of the first run rely on the results of all tasks of the run before."""
    missing = {host: results - cluster.first_marks[host] for host, results in cluster.marks().items()}
    assert all(cluster.first_marks.values()) and not any(missing.values()), missing


def deploy_twice_and_verify(cluster: Cluster) -> None:
    """Deploy on clean hosts after a check that predicts it, deploy again without a change, and verify."""
    cluster.found()
    assert mispredicted(cluster.checked, cluster.first) == {}
    before = cluster.starts()
    # The first run has marked the hosts, so the second one leaves them alone.
    assert cluster.deploy().changed == {}
    cluster.visit()
    assert cluster.deploy().changed == {}
    assert cluster.starts() == before
    marked_at_first(cluster)
    verified = cluster.run(playbook="playbooks/verify.yml")
    assert verified.status == 0, verified.output[-6000:]
