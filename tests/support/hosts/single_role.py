# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandbox hosts on which a playbook of the user uses single roles of the collection."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.standins import binaries
from dev.tools.lab import SANDBOX, TOP, Lab, tool
from tests.support.needs import need_hosts


class Hosts(Lab):
    """Hosts in groups of the example's own, with a playbook of its own."""

    def __init__(self, name: str, playbook: Path, groups: dict[str, list[str]], settings: dict[str, Any]) -> None:
        """Remember the example's files; nothing is created yet."""
        super().__init__(name, "flat")
        self.site = playbook
        self.groups = groups
        self.settings = settings

    def write_inventory(self) -> None:
        """Write hosts, groups and variables, as the example's owner would."""
        described = yaml.safe_load(self.sandbox("inventory", capture_output=True).stdout)
        # The clone may be in a container.
        described["all"]["vars"] |= {"cluster_pki_store": "none", **self.settings}
        described |= {group: {"hosts": dict.fromkeys(members)} for group, members in self.groups.items()}
        self.inventory.mkdir(parents=True, exist_ok=True)
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(described), encoding="utf-8")

    def address(self, host: str) -> str:
        """Return the address of a host."""
        return str(self.described()["hosts"][host]["ansible_host"])

    def apply(self, *arguments: str) -> dict[str, int]:
        """Run the playbook; return the changes per host, fail the test with the playbook's output."""
        status, output = self.attempt(*arguments)
        if status != 0:
            pytest.fail(f"ansible-playbook {' '.join(arguments)}: {output}")
        return {host: int(count) for host, count in re.findall(r"^(\S+) +: ok=.* changed=(\d+)", output, re.MULTILINE)}

    def attempt(self, *arguments: str) -> tuple[int, str]:
        """Run the playbook; return its status and its output."""
        command = [str(SANDBOX), "run", "--name", self.name, "--", tool("ansible-playbook")]
        command += ["-i", str(self.inventory), str(self.site), *arguments]
        done = subprocess.run(command, cwd=TOP, text=True, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def shell(self, host: str, command: str) -> str:
        """Return what a shell command prints on a host; fail the test where it fails."""
        done = self.exec(host, command)
        if done.returncode != 0:
            pytest.fail(f"{host}: {command}: {done.stdout}{done.stderr}")
        return done.stdout

    def started(self, unit: str) -> dict[str, str]:
        """Return when a unit was last started, per host."""
        return {
            host: self.shell(host, f"systemctl show -P ActiveEnterTimestampMonotonic {unit}") for host in self.hosts()
        }


def etcd_hosts(name: str, members: list[str]) -> Hosts:
    """Return the hosts of examples/etcd.yml, with an etcd of this machine or from Debian."""
    need_hosts()
    if not (binaries.READY / "etcd").exists():
        subprocess.run([str(SANDBOX), "binaries"], check=False)
    if not (binaries.READY / "etcd").exists():
        pytest.skip(f"no etcd in {binaries.READY}, not even from Debian")
    settings = {
        "cluster_name": "ledger",
        "cluster_binary_dir": str(binaries.READY),
        "cluster_component_versions": {"etcd": binaries.ready_versions()["etcd"]},
    }
    return Hosts(name, TOP / "examples/etcd.yml", {"etcd": members}, settings)
