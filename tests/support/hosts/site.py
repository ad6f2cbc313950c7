# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml against hosts that do not exist: a program in place of ssh answers and records the requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

GROUPS = ("etcd", "master", "lb", "node")
COMPONENTS = "roles/cluster/vars/main/preflight.yml"
# It answers only modules that read and change nothing. A host without facts is down.
SSH = """#!{python} -IS
import json, re, sys
address = sys.argv[-2]
found = re.search(rb"module_fqn='([A-Za-z0-9_.]+)'", sys.stdin.buffer.read())
name = found[1].decode() if found else sys.argv[-1]
with open("{directory}/asked", "a") as log:
    log.write(address + " " + name + "\\n")
facts = json.load(open("{directory}/facts.json")).get(address)
if facts is None:
    print("ssh: connect to host " + address + " port 22: No route to host", file=sys.stderr)
    sys.exit(255)
trusted = json.load(open("{directory}/trusted.json")).get(address, {{}})
secrets = json.load(open("{directory}/secrets.json")).get(address, {{}})
cached_results = {{"valid": {{}}, "salt": "", "nonce": "", "cas": trusted, "secrets": secrets}}
look = {{"problems": ["seen by " + address]}}
running = json.load(open("{directory}/running.json"))
running = {{"running": running.get(address, running["nothing"])}}
check = {{
    "ansible_facts": facts,
    "obstacles": facts.get("obstacles", []),
    "identity": facts.get("identity", {{}}),
    **running,
}}
answers = {{
    "setup": {{"ansible_facts": facts}},
    "host_preflight": check,
    "running_info": running,
    "cached_results": cached_results,
    "cluster_lock": {{"lock": "none", "reason": "no API"}},
    "cluster_info": look,
    "host_health": look,
}}
touched = {{"failed": True, "msg": "the host was touched by " + name}}
print(json.dumps(answers.get(name.rpartition(".")[2], touched)))
"""


class Site:
    """Inventory, binaries and CAs for three hosts in all groups, and the playbook run against them."""

    def __init__(self, repository: Path, directory: Path) -> None:
        self.directory = directory
        # How the playbook is run: as in the clone, unless a test sets it.
        self.ansible_playbook, self.place = "ansible-playbook", repository
        self.environment = dict(os.environ)
        self.pki = directory / "pki"
        self.binaries = directory / "binaries"
        self.cache = directory / "cache"
        self.facts: dict[str, t.Any] = {f"192.0.2.1{n}": facts(f"192.0.2.1{n}") for n in (1, 2, 3)}
        self.trusted: dict[str, dict[str, str]] = {}
        self.running: dict[str, dict[str, t.Any]] = {"nothing": running()}
        self.secrets: dict[str, dict[str, str]] = {}
        self.binaries.mkdir()
        listed = yaml.safe_load((repository / COMPONENTS).read_text())["_cluster_components"]
        for name in (name for component in listed for name in component["binaries"]):
            (self.binaries / name).write_text("#!/bin/sh\n")
        ssh = directory / "ssh"
        ssh.write_text(SSH.format(python=sys.executable, directory=directory))
        ssh.chmod(0o755)
        self.variables: dict[str, t.Any] = {
            "ansible_ssh_executable": str(ssh),
            "cluster_api_vip": "192.0.2.100",
            "cluster_cache_dir": str(self.cache),
            "cluster_binary_dir": str(self.binaries),
            "cluster_pki_dir": str(self.pki),
            # The directory of a test may be in memory.
            "cluster_pki_store": "none",
        }
        three = {f"k{n}": {"ansible_host": f"192.0.2.1{n}"} for n in (1, 2, 3)}
        self.groups: dict[str, dict[str, t.Any]] = {name: dict(three) for name in GROUPS}

    def run(self, *arguments: str, playbook: str = "site.yml") -> subprocess.CompletedProcess[str]:
        """Run a playbook."""
        children = {name: {"hosts": hosts} for name, hosts in self.groups.items()}
        inventory = self.directory / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"vars": self.variables, "children": children}}))
        (self.directory / "facts.json").write_text(json.dumps(self.facts))
        (self.directory / "trusted.json").write_text(json.dumps(self.trusted))
        (self.directory / "running.json").write_text(json.dumps(self.running))
        (self.directory / "secrets.json").write_text(json.dumps(self.secrets))
        command = [self.ansible_playbook, playbook, "-i", str(inventory), *arguments]
        return subprocess.run(
            command, cwd=self.place, env=self.environment, capture_output=True, text=True, check=False
        )

    def asked(self) -> list[str]:
        """Return which modules were run on which hosts."""
        log = self.directory / "asked"
        return log.read_text().splitlines() if log.exists() else []

    def touched(self) -> list[str]:
        """Return what was run on hosts beyond reading."""
        reads = (".setup", ".host_preflight", ".running_info", ".cached_results", ".cluster_lock")
        return [line for line in self.asked() if not line.endswith(reads)]


def facts(address: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return the facts of a healthy host."""
    return {
        "ansible_architecture": "x86_64",
        "ansible_distribution": "Debian",
        "ansible_distribution_major_version": "12",
        "ansible_interfaces": ["lo", "eth0"],
        "ansible_eth0": {"device": "eth0", "ipv4": {"address": address, "netmask": "255.255.255.0"}},
        **changes,
    }


def running(**changes: t.Any) -> dict[str, t.Any]:
    """Return what module running_info reports of a host that runs nothing."""
    nothing: dict[str, t.Any] = {"versions": {}, "active": [], "flags": {}, "kubelet": {}, "etcd_data": False}
    return {**nothing, "records": [], "stored": {}, "api": None, "servers": {}, **changes}
