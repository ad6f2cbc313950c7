# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replacement of an etcd member is killed in each of its steps; the same command finishes it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.tools.lab import TOP
from tests.support.hosts.etcd_members import CONFIRM, Etcd
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
    seconds = chance.uniform(0, 2)
    ended = etcd.kill_in(task, seconds, tmp_path / "log", "-e", "hosts=n3")
    print(f"HARDWAY_SEED={SEED}: {'finished before' if ended else 'killed in'} {task} + {seconds:.1f} s")
    status, output = etcd.playbook("replace", "-e", "hosts=n3", *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters("n1", "n2", "n3"), output
    assert etcd.hosts.exec("n3", "ls /etc/etcd/joining").returncode != 0
    assert etcd.hosts.shell("n3", "systemctl is-enabled etcd").strip() == "enabled"
