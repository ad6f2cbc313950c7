# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd on sandbox hosts, whose members have names and addresses that begin alike."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import yaml

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.etcd_writer import CLIENT, PKI, Writer
from tests.support.hosts.single_role import Hosts

BYTES = {"n1": 2, "n2": 21, "n3": 22, "n4": 23, "n5": 222}
SITE = TOP / "examples/etcd.yml"
OWN = ("-e", f"site_playbook={SITE}")
CONFIRM = ("-e", "confirm=ledger")


class Etcd:
    """Hosts whose members are etcd-2, etcd-21, etcd-22, … at addresses that end so, too."""

    def __init__(self, hosts: Hosts) -> None:
        """Take hosts that run."""
        self.hosts = hosts
        for host in hosts.hosts():
            byte = BYTES[host]
            # Peers check the address from which a connection comes.
            own = self.address(host)
            hosts.shell(host, f"ip address add {own}/24 dev eth0 && ip route replace 198.18.0.0/24 dev eth0 src {own}")
            variables = {"cluster_node_name": f"etcd-{byte}", "cluster_node_ip": self.address(host)}
            path = hosts.inventory / "host_vars" / f"{host}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(variables), encoding="utf-8")

    def address(self, host: str) -> str:
        """Return the address of a member."""
        return f"198.18.0.{BYTES[host]}"

    def group(self, *members: str) -> None:
        """Write the inventory with these hosts in group etcd."""
        self.hosts.groups = {"etcd": list(members)}
        self.hosts.write_inventory()

    def site(self, *arguments: str) -> dict[str, int]:
        """Run the user's playbook; return the changes by host."""
        self.hosts.site = SITE
        return self.hosts.apply(*arguments)

    def playbook(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run a playbook of the collection; return its status and its output in one line."""
        self.hosts.site = TOP / "playbooks" / f"{name}.yml"
        status, output = self.hosts.attempt(*arguments, *OWN)
        return status, " ".join(output.split())

    def etcdctl(self) -> str:
        """Return etcdctl with its flags."""
        endpoints = ",".join(f"https://{self.address(host)}:2379" for host in self.hosts.groups["etcd"])
        return f"etcdctl --endpoints {endpoints} --cacert {PKI}/ca.crt {CLIENT}"

    def members(self) -> dict[str, str]:
        """Return voter or learner by the name and the address of each member."""
        listed = json.loads(self.hosts.shell("n1", f"{self.etcdctl()} member list -w json"))["members"]
        return {f"{m['name']} {' '.join(m['peerURLs'])}": "learner" if m.get("isLearner") else "voter" for m in listed}

    def voters(self, *hosts: str) -> dict[str, str]:
        """Return what members() returns if exactly these hosts vote."""
        return {f"etcd-{BYTES[host]} https://{self.address(host)}:2380": "voter" for host in hosts}

    def writer(self, *hosts: str, prefix: str) -> Writer:
        """Start a client of these hosts."""
        writer = Writer(self.hosts, [self.address(host) for host in hosts], prefix)
        writer.start()
        return writer

    def kill_in(self, task: str, seconds: float, path: Path, *arguments: str) -> bool:
        """Run the last playbook and kill all of it some seconds after the task began; return whether it had ended."""
        command = self.hosts.playbook_command(str(self.hosts.site), *arguments, *CONFIRM, *OWN)
        with path.open("a", encoding="utf-8") as log:
            process = subprocess.Popen(command, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
            while process.poll() is None and f": {task}] ***" not in path.read_text(encoding="utf-8"):
                time.sleep(0.05)
            time.sleep(seconds)
            ended = process.poll() is not None
            kill(family(process.pid))
            process.wait()
        assert f": {task}]" in path.read_text(encoding="utf-8")
        return ended
