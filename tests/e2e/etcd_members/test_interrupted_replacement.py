# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replacement of an etcd member is killed in each of its steps; the same command finishes it."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.etcd_members import CONFIRM, OWN, Etcd
from tests.support.hosts.single_role import etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

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


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return three members."""
    made = etcd_hosts("etcd-kills", ["n1", "n2", "n3"])
    with made.standing(3):
        found = Etcd(made)
        found.site()
        yield found


@pytest.mark.parametrize("task", KILLED_IN)
def test_the_same_command_finishes_what_a_kill_interrupted(etcd: Etcd, task: str, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {task}")
    etcd.hosts.shell("n3", "systemctl stop etcd; rm -rf /var/lib/etcd/member")
    etcd.hosts.site = TOP / "playbooks/replace.yml"
    killed_in(etcd, task, chance.uniform(0, 2), tmp_path / "log")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters("n1", "n2", "n3"), output
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
