# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an operator's own inventory on sandbox hosts, and report the result: make rehearse INVENTORY=path."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.sandbox.base import base_directory
from dev.sandbox.layout import make_layout
from dev.standins import inventory_overlay, use
from dev.tools import rehearsal_operations as operations
from dev.tools import rehearsal_report as report
from dev.tools.lab import TOP, Lab, kubernetes_version, require_binaries, tool, variables

# What is written on the controller goes below the rehearsal's own directory.
PATHS = {"cluster_pki_dir": "pki", "admin_kubeconfig": "pki/admin.kubeconfig"}
VERSION = "cluster_kubernetes_version"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace default"
# Written after the backup, so a restore has something to undo.
WITNESS = "configmap hardway-rehearsal"
LEFT_OUT = {"certificates_json": "", "certificates_textfile": "", "cluster_pki_store": "none"}


class Rehearsal:
    """One inventory on sandbox hosts."""

    def __init__(self, name: str, inventory: Path) -> None:
        """Read the inventory."""
        self.inventory = inventory.resolve()
        self.lab = Lab(name, "flat")
        self.target = self.lab.directory
        self.overlay = self.target / "overlay"
        self.reach: dict[str, Any] = {}
        self.layout = make_layout(name)
        listed = self.listed(self.inventory)
        self.variables: dict[str, Any] = listed["_meta"]["hostvars"]
        self.hosts = inventory_overlay.members(listed)
        if not self.hosts:
            groups = ", ".join(inventory_overlay.GROUPS)
            raise SystemExit(f"make rehearse: {inventory}: no hosts in the groups {groups}; name an inventory of yours")
        self.places = {host: f"n{number}" for number, host in enumerate(self.hosts, 1)}
        self.given = {host: self.layout.host(number).address for number, host in enumerate(self.hosts, 1)}
        self.groups = {name: group for name, group in listed.items() if name != "_meta"}
        self.seconds: dict[str, float] = {}
        # Seconds, changes, and changes of the second run, by playbook.
        self.results: list[list[str]] = []
        self.changed = 0
        self.once = False

    def version(self) -> str:
        """Return the version that the inventory asks for; nothing where it leaves that to the collection."""
        asked = [own.get(VERSION) for own in self.variables.values()]
        return next((str(version) for version in asked if version), "")

    def listed(self, *sources: Path, beside: Path = TOP) -> dict[str, Any]:
        """Return the inventories as Ansible reads them, with the variables beside a playbook."""
        command = [tool("ansible-inventory"), "--list", "--playbook-dir", str(beside)]
        command += [word for source in sources for word in ("-i", str(source))]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"make rehearse: {self.inventory}: {done.stderr.strip().splitlines()[-1]}")
        return dict(json.loads(done.stdout))

    def up(self) -> None:
        """Make the hosts, and what differs from the operator's inventory."""
        begin = time.monotonic()
        self.lab.down()
        self.lab.sandbox("up", "--hosts", str(len(self.hosts)))
        self.seconds["sandbox hosts"] = time.monotonic() - begin
        self.target.mkdir(parents=True, exist_ok=True)
        self.target.chmod(0o700)
        described = self.lab.sandbox("inventory", capture_output=True).stdout
        self.write({n: v for n, v in yaml.safe_load(described)["all"]["vars"].items() if "ssh" in n})
        self.name_endpoint(self.hosts)

    def name_endpoint(self, hosts: list[str]) -> None:
        """Let hosts resolve the name that only the operator's name service knows."""
        if name := inventory_overlay.endpoint_name(self.variables):
            own = next(iter(self.variables.values()))
            address = self.layout.virtual if own.get("cluster_api_vip") else self.given[self.hosts[0]]
            for host in hosts:
                self.lab.exec(self.places[host], f"echo {address} {name} >> /etc/hosts")

    def write(self, reach: dict[str, Any]) -> None:
        """Write a last inventory, which takes precedence over the operator's, and what no inventory may set."""
        self.reach = reach
        changed = inventory_overlay.overlay(self.hosts, self.variables, self.given, self.layout.virtual, reach)
        (self.overlay / "host_vars").mkdir(parents=True, exist_ok=True)
        listed = {"all": {"hosts": dict.fromkeys(changed)}}
        (self.overlay / "hosts.yml").write_text(yaml.safe_dump(listed), encoding="utf-8")
        for host, own in changed.items():
            if host in self.given:
                own[VERSION] = kubernetes_version()
            (self.overlay / "host_vars" / f"{host}.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
        # Not a setting that outranks everything: an upgrade sets it.
        found = {name: value for name, value in variables().items() if name != VERSION}
        (self.overlay / "group_vars").mkdir(exist_ok=True)
        everywhere = yaml.safe_dump({VERSION: kubernetes_version()})
        (self.overlay / "group_vars" / "all.yml").write_text(everywhere, encoding="utf-8")
        settings = {**found, **{name: str(self.target / path) for name, path in PATHS.items()}, **LEFT_OUT}
        (self.target / "settings.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def check(self, playbook: str) -> None:
        """Stop before a playbook that would reach hosts other than the sandbox's."""
        merged = self.listed(self.inventory, self.overlay, beside=(TOP / playbook).parent)["_meta"]["hostvars"]
        if found := inventory_overlay.foreign_addresses(merged, self.given, self.reach):
            listed = "\n".join(f"  {line}" for line in found)
            raise SystemExit(
                f"make rehearse: {playbook}: not played, for it would leave the sandbox. Something outranks "
                f"the inventory, as host_vars beside a playbook do; take that away:\n{listed}"
            )

    def play(self, playbook: str, label: str, *arguments: str) -> int:
        """Run a playbook; return its exit status."""
        self.check(playbook)
        begin = time.monotonic()
        sources = ["-i", str(self.inventory), "-i", str(self.overlay), "--limit", ",".join([*self.hosts, "localhost"])]
        # The last ones count.
        settings = [*arguments, "--extra-vars", f"@{self.target / 'settings.yml'}"]
        run = [str(TOP / "dev/sandbox/sandbox"), "run", "--name", self.lab.name, "--", tool("ansible-playbook")]
        environment = self.lab.playbook_environment()
        status = subprocess.run([*run, *sources, *settings, playbook], cwd=TOP, env=environment, check=False).returncode
        self.seconds[label] = time.monotonic() - begin
        self.changed = 0
        if self.lab.timing.is_file():
            timing = json.loads(self.lab.timing.read_text(encoding="utf-8"))
            self.changed = sum(task["changed"] for task in timing["tasks"])
            if label.endswith(playbook):
                for play in timing["plays"]:
                    self.seconds[f"{label.partition('.')[0]}.   {play['name']}"] = play["seconds"]
            self.lab.timing.unlink()
        return status

    def rehearse(self, number: int, operation: operations.Operation) -> int:
        """Run a playbook as an operator would: the plan first, then with the cluster's name, then once more."""
        playbook, arguments = operation.playbook, list(operation.arguments)
        if operation.needs_archive:
            self.backups.mkdir(mode=0o700, exist_ok=True)
            if status := self.play(
                "playbooks/backup.yml", f"{number}. backup", "-e", f"backup_fetch_dir={self.backups}"
            ):
                return status
            arguments += ["-e", f"archive={max(self.backups.glob('*.tar*'), key=lambda path: path.stat().st_mtime)}"]
            self.on_master(f"{KUBECTL} create {WITNESS}")
        self.lose(operation)
        if operation.wants_confirmation((TOP / playbook).read_text(encoding="utf-8")):
            if status := self.play(playbook, f"{number}. {playbook}, the plan", *arguments):
                return status
            own = next(iter(self.variables.values()))
            arguments += ["-e", f"confirm={own.get('cluster_name', 'kubernetes')}"]
        label = f"{number}. {playbook}"
        status = self.play(playbook, label, *arguments)
        row = [playbook, f"{self.seconds[label]:.0f}", str(self.changed), "failed" if status else "-"]
        self.results.append(row)
        if status == 0 and operation.needs_archive and "NotFound" not in self.on_master(f"{KUBECTL} get {WITNESS}"):
            print(f"make rehearse: {playbook}: what was written after the backup is still there", file=sys.stderr)
            status = 1
        if status == 0 and operation.target:
            # As the operator will.
            os.environ["KUBERNETES_VERSION"] = operation.target
            self.write(self.reach)
        if status == 0 and operation.repeatable and not self.once:
            status = self.play(playbook, f"{number}. {playbook}, again", *arguments)
            row[3] = "failed" if status else str(self.changed)
        return status

    @property
    def backups(self) -> Path:
        """Return where a backup goes."""
        return self.target / "backups"

    def on_master(self, command: str) -> str:
        """Return what a command prints on the first host with an API server, errors too."""
        host = operations.members(["master"], self.groups, self.hosts)[0]
        done = self.lab.exec(self.places[host], command)
        return done.stdout + done.stderr

    def lose(self, operation: operations.Operation) -> None:
        """Cut the power of lost hosts. For a replacement, fresh hosts take their names."""
        replaced = operation.name == "replace.yml"
        lost = operations.members(operation.named("hosts" if replaced else "lost"), self.groups, self.hosts)
        for host in lost:
            self.lab.sandbox("poweroff", self.places[host])
            if replaced:
                shutil.rmtree(self.layout.directory / self.places[host])
        if replaced:
            # Connections to the former hosts would be used until ssh finds out.
            for socket in self.layout.sockets.glob("*"):
                socket.unlink()
            self.lab.sandbox("up", "--hosts", str(len(self.hosts)))
            self.name_endpoint(lost)

    def report(self) -> str:
        """Write the report; return the part to show."""
        phases = [[name, f"{value:.1f}"] for name, value in self.seconds.items()]
        roots = {host: self.layout.directory / place / "upper" for host, place in self.places.items()}
        target = self.target / "report"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        state = json.loads((self.layout.directory / "state.json").read_text(encoding="utf-8"))
        base = base_directory(self.layout.top) / state["base"]
        return report.write(self.lab, self.places, roots, base, self.results, phases, target)


def missing_versions(before: str, wanted: list[operations.Operation]) -> str:
    """Return what is missing to deploy a version and to upgrade it; nothing where all is available."""
    targets = [str(each.variables["to"]).split(",") for each in wanted if each.target]
    for version in [before, *(hop for asked in targets for hop in operations.hops(before, asked, use.newest()))]:
        os.environ["KUBERNETES_VERSION"] = version
        if reason := require_binaries():
            return reason
        if targets and use.replaced(version):
            return f"{version}: no binaries of it, and an upgrade needs them, because stand-ins evict no pods"
    os.environ["KUBERNETES_VERSION"] = before
    return ""


def main() -> int:
    """Rehearse; return the exit status of the first playbook that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("playbooks", nargs="*", default=["site.yml"])
    parser.add_argument("--args", default="", help="options of ansible-playbook for all playbooks but the first")
    parser.add_argument("--from", dest="version", default="", help="Kubernetes version of the first playbook")
    parser.add_argument("--name", default="rehearse", help="of the sandbox (default: %(default)s)")
    parser.add_argument("--once", action="store_true", help="leave out the second run of each playbook")
    parser.add_argument("--keep", action="store_true", help="leave the hosts for a look")
    arguments = parser.parse_args()
    wanted = operations.operations(arguments.playbooks, arguments.args)
    if refused := [f"{each.playbook}: {reason}" for each in wanted if (reason := operations.refusal(each))]:
        raise SystemExit(f"make rehearse: {refused[0]}")
    rehearsal = Rehearsal(arguments.name, arguments.inventory)
    rehearsal.once = arguments.once
    if version := arguments.version or rehearsal.version():
        os.environ["KUBERNETES_VERSION"] = version
    version = kubernetes_version()
    if first := use.first_words(version):
        print(first + "\n", flush=True)
    if reason := missing_versions(version, wanted):
        print(f"make rehearse: {reason}", file=sys.stderr)
        return 1
    if (notice := use.notice(version)) and notice != first:
        print(notice + "\n", flush=True)
    status = 0
    try:
        rehearsal.up()
        for number, operation in enumerate(wanted, 1):
            status = status or rehearsal.rehearse(number, operation)
        print("\n" + rehearsal.report())
        place = rehearsal.target.relative_to(TOP) / "report"
        print(f"\nAll of this, and every file's first line: {place}/report.txt; every file: {place}/files")
    finally:
        if not arguments.keep:
            rehearsal.lab.sandbox("down")
    return status


if __name__ == "__main__":
    sys.exit(main())
