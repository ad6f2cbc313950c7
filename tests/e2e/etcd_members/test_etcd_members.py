# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd grows, shrinks and gets wiped members back, while a client writes; names and addresses are alike."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.etcd_writer import CLIENT, PKI, Writer
from tests.support.hosts.single_role import Hosts, etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

BYTES = {"n1": 2, "n2": 21, "n3": 22, "n4": 23, "n5": 222}
SITE = TOP / "examples/etcd.yml"
OWN = ("-e", f"site_playbook={SITE}")
CONFIRM = ("-e", "confirm=ledger")
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))
# Each changes something, or is about to.
KILLED_IN = [
    "Remove the member",
    "Stop etcd",
    "Move the data of the former member aside",
    "Write the etcd unit and its directories",
    "Mark the host, so that an interrupted addition is completed",
    "Move the data of a former member aside",
    "Add the host as a learner",
    "Start the learner",
    "Promote the learner once it has the data",
    "Remove the mark",
]


class Etcd:
    """Hosts whose members are etcd-2, etcd-21, etcd-22, … at addresses that end so, too."""

    def __init__(self, hosts: Hosts) -> None:
        """Take hosts that run."""
        self.hosts = hosts
        for host, byte in BYTES.items():
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

    def members(self) -> dict[str, str]:
        """Return voter or learner by the name and the address of each member."""
        endpoints = ",".join(f"https://{self.address(host)}:2379" for host in self.hosts.groups["etcd"])
        command = f"etcdctl --endpoints {endpoints} --cacert {PKI}/ca.crt {CLIENT} member list -w json"
        listed = json.loads(self.hosts.shell("n1", command))["members"]
        return {f"{m['name']} {' '.join(m['peerURLs'])}": "learner" if m.get("isLearner") else "voter" for m in listed}

    def voters(self, *hosts: str) -> dict[str, str]:
        """Return what members() returns if exactly these hosts vote."""
        return {f"etcd-{BYTES[host]} https://{self.address(host)}:2380": "voter" for host in hosts}

    def writer(self, *hosts: str, prefix: str) -> Writer:
        """Start a client of these hosts."""
        writer = Writer(self.hosts, [self.address(host) for host in hosts], prefix)
        writer.start()
        return writer


def unharmed(writer: Writer) -> None:
    """Require that no acknowledged write is lost, and that nearly all succeed: elections refuse some."""
    assert writer.end() == set() and len(writer.acknowledged) > 20
    assert writer.refused <= len(writer.acknowledged) // 10, writer.reasons


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return five hosts, of which the first runs etcd."""
    made = etcd_hosts("etcd-members", ["n1"])
    with made.standing(5):
        found = Etcd(made)
        found.group("n1")
        found.site()
        yield found


def test_one_member_grows_to_three_and_to_five(etcd: Etcd) -> None:
    writer = etcd.writer("n1", prefix="grow")
    for members in (["n1", "n2", "n3"], list(BYTES)):
        etcd.group(*members)
        changed = etcd.site()
        assert etcd.members() == etcd.voters(*members)
        assert [changed[host] > 1 for host in members[-2:]] == [True, True]
        assert set(etcd.site().values()) == {0}
    unharmed(writer)


def test_a_wiped_member_is_back_by_one_command(etcd: Etcd) -> None:
    etcd.hosts.shell("n3", "systemctl stop etcd; rm -rf /var/lib/etcd/member; systemctl start --no-block etcd")
    before = etcd.members()
    status, output = etcd.playbook("replace", "-e", "hosts=n3")
    assert status == 0 and "n3: remove the dead voter" in output and "4 of 5 voters are healthy" in output, output
    assert "-e hosts=n3 -e confirm=ledger" in output and etcd.members() == before
    status, output = etcd.playbook("replace", "-e", "hosts=n3", "-e", "confirm=other")
    assert status != 0 and "is not the name of this cluster" in output and etcd.members() == before
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM, "--check")
    assert status == 0 and etcd.members() == before, output
    writer = etcd.writer(*BYTES, prefix="wiped")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    unharmed(writer)
    assert status == 0 and etcd.members() == etcd.voters(*BYTES), output
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    assert status == 0 and "n3: healthy, not replaced" in output and "changed=1" not in output, output
    assert set(etcd.site().values()) == {0}


def test_data_of_a_replaced_member_are_kept(etcd: Etcd) -> None:
    etcd.hosts.shell("n5", "systemctl stop etcd; touch /var/lib/etcd/member/witness")
    status, output = etcd.playbook("replace", "-e", "hosts=n5", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters(*BYTES), output
    assert etcd.hosts.shell("n5", "ls /var/lib/etcd.removed-*/member/witness").strip()


def test_five_shrink_to_three_and_grow_again(etcd: Etcd) -> None:
    status, output = etcd.playbook("remove_member", "-e", "hosts=n4,n5")
    assert status == 0 and "n4: " in output and "n5: " in output and "Nothing was changed" in output, output
    assert etcd.members() == etcd.voters(*BYTES)
    writer = etcd.writer(*BYTES, prefix="shrink")
    status, output = etcd.playbook("remove_member", "-e", "hosts=n4,n5", *CONFIRM)
    assert status == 0 and "Take n4, n5 out of group etcd of the inventory" in output, output
    assert etcd.members() == etcd.voters("n1", "n2", "n3")
    for host in ("n4", "n5"):
        assert etcd.hosts.exec(host, "systemctl is-active etcd; systemctl is-enabled etcd").stdout.split() == [
            "inactive",
            "disabled",
        ]
        assert etcd.hosts.shell(host, "ls -d /var/lib/etcd.removed-*/member").strip()
    etcd.group("n1", "n2", "n3")
    started = etcd.hosts.shell("n1", "systemctl show -P ActiveEnterTimestampMonotonic etcd")
    # The list of hosts that a member without data would query.
    assert set(etcd.site().values()) == {0, 1}
    assert set(etcd.site().values()) == {0}
    assert etcd.hosts.shell("n1", "systemctl show -P ActiveEnterTimestampMonotonic etcd") == started
    etcd.group(*BYTES)
    etcd.site()
    unharmed(writer)
    assert etcd.members() == etcd.voters(*BYTES)
    assert set(etcd.site().values()) == {0}


def test_a_quorum_is_never_given_up(etcd: Etcd) -> None:
    for host in ("n4", "n5"):
        etcd.hosts.shell(host, "systemctl stop etcd")
    try:
        status, output = etcd.playbook("remove_member", "-e", "hosts=n3", *CONFIRM)
        assert status != 0 and "without it, 2 of 4 voters are healthy, 3 are needed" in output, output
        assert etcd.members() == etcd.voters(*BYTES)
    finally:
        for host in ("n4", "n5"):
            etcd.hosts.shell(host, "systemctl start etcd")


@pytest.mark.parametrize("task", KILLED_IN)
def test_the_same_command_finishes_what_a_kill_interrupted(etcd: Etcd, task: str, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {task}")
    etcd.hosts.shell("n3", "systemctl stop etcd; rm -rf /var/lib/etcd/member")
    etcd.hosts.site = TOP / "playbooks/replace.yml"
    killed_in(etcd, task, chance.uniform(0, 2), tmp_path / "log")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters(*BYTES), output
    assert etcd.hosts.exec("n3", "ls /etc/etcd/joining").returncode != 0
    assert etcd.hosts.shell("n3", "systemctl is-enabled etcd").strip() == "enabled"


def killed_in(etcd: Etcd, task: str, seconds: float, path: Path) -> None:
    """Run the playbook and kill all of it some seconds after the task began."""
    command = etcd.hosts.playbook_command(str(etcd.hosts.site), "-e", "hosts=n3", *CONFIRM, *OWN)
    with path.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        while process.poll() is None and f": {task}] ***" not in path.read_text(encoding="utf-8"):
            time.sleep(0.05)
        time.sleep(seconds)
        ended = process.poll() is not None
        kill(family(process.pid))
        process.wait()
    assert f": {task}]" in path.read_text(encoding="utf-8")
    print(f"HARDWAY_SEED={SEED}: {'finished before' if ended else 'killed in'} {task} + {seconds:.1f} s")
