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
from dev.tools import rehearsal_report as report
from dev.tools.lab import TOP, Lab, kubernetes_version, require_binaries, tool, variables

# What is written on the controller goes below the rehearsal's own directory.
PATHS = {"cluster_pki_dir": "pki", "admin_kubeconfig": "pki/admin.kubeconfig"}
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
        self.seconds: dict[str, float] = {}

    def version(self) -> str:
        """Return the version that the inventory asks for; nothing where it leaves that to the collection."""
        asked = [own.get("cluster_kubernetes_version") for own in self.variables.values()]
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
        if name := inventory_overlay.endpoint_name(self.variables):
            own = next(iter(self.variables.values()))
            address = self.layout.virtual if own.get("cluster_api_vip") else self.given[self.hosts[0]]
            for place in self.places.values():
                self.lab.exec(place, f"echo {address} {name} >> /etc/hosts")

    def write(self, reach: dict[str, Any]) -> None:
        """Write a last inventory, which takes precedence over the operator's, and what no inventory may set."""
        self.reach = reach
        changed = inventory_overlay.overlay(self.hosts, self.variables, self.given, self.layout.virtual, reach)
        (self.overlay / "host_vars").mkdir(parents=True)
        listed = {"all": {"hosts": dict.fromkeys(changed)}}
        (self.overlay / "hosts.yml").write_text(yaml.safe_dump(listed), encoding="utf-8")
        for host, own in changed.items():
            (self.overlay / "host_vars" / f"{host}.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
        settings = {**variables(), **{name: str(self.target / path) for name, path in PATHS.items()}, **LEFT_OUT}
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

    def play(self, playbook: str, number: int) -> int:
        """Run a playbook; return its exit status."""
        self.check(playbook)
        begin = time.monotonic()
        sources = ["-i", str(self.inventory), "-i", str(self.overlay), "--limit", ",".join([*self.hosts, "localhost"])]
        settings = ["--extra-vars", f"@{self.target / 'settings.yml'}"]
        run = [str(TOP / "dev/sandbox/sandbox"), "run", "--name", self.lab.name, "--", tool("ansible-playbook")]
        environment = self.lab.playbook_environment()
        status = subprocess.run([*run, *sources, *settings, playbook], cwd=TOP, env=environment, check=False).returncode
        self.seconds[f"{number}. {playbook}"] = time.monotonic() - begin
        if self.lab.timing.is_file():
            for play in json.loads(self.lab.timing.read_text(encoding="utf-8"))["plays"]:
                self.seconds[f"{number}.   {play['name']}"] = play["seconds"]
            self.lab.timing.unlink()
        return status

    def report(self) -> str:
        """Write the report; return the part to show."""
        phases = [[name, f"{value:.1f}"] for name, value in self.seconds.items()]
        roots = {host: self.layout.directory / place / "upper" for host, place in self.places.items()}
        target = self.target / "report"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        state = json.loads((self.layout.directory / "state.json").read_text(encoding="utf-8"))
        base = base_directory(self.layout.top) / state["base"]
        return report.write(self.lab, self.places, roots, base, phases, target)


def main() -> int:
    """Rehearse; return the exit status of the first playbook that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("playbooks", nargs="*", default=["site.yml"])
    parser.add_argument("--name", default="rehearse", help="of the sandbox (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the hosts for a look")
    arguments = parser.parse_args()
    rehearsal = Rehearsal(arguments.name, arguments.inventory)
    if version := rehearsal.version():
        os.environ["KUBERNETES_VERSION"] = version
    version = kubernetes_version()
    if first := use.first_words(version):
        print(first + "\n", flush=True)
    if reason := require_binaries():
        print(f"make rehearse: {reason}", file=sys.stderr)
        return 1
    if (notice := use.notice(version)) and notice != first:
        print(notice + "\n", flush=True)
    status = 0
    try:
        rehearsal.up()
        for number, playbook in enumerate(arguments.playbooks, 1):
            status = status or rehearsal.play(playbook, number)
        print("\n" + rehearsal.report())
        place = rehearsal.target.relative_to(TOP) / "report"
        print(f"\nAll of this, and every file's first line: {place}/report.txt; every file: {place}/files")
    finally:
        if not arguments.keep:
            rehearsal.lab.sandbox("down")
    return status


if __name__ == "__main__":
    sys.exit(main())
