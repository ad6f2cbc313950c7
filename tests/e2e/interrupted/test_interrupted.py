# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first deployment that is killed repeatedly is finished by the next run."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

# More kills can be tried: HARDWAY_KILLS=10 make e2e
KILLS = int(os.environ.get("HARDWAY_KILLS", "2"))
# About as many tasks as a first run has.
TASKS = 70
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


@pytest.fixture
def hosts() -> Iterator[Cluster]:
    """Return three hosts on which nothing was deployed yet."""
    need_cluster()
    made = Cluster("e2e-fresh")
    with made.standing(3):
        yield made


def test_a_deployment_killed_at_random_points_is_finished_by_the_next_run(hosts: Cluster) -> None:
    chance = random.Random(SEED)
    print(f"HARDWAY_SEED={SEED}")
    for attempt in range(KILLS):
        seconds = chance.uniform(4, 45)
        ended = kill_after(hosts, seconds)
        print(f"attempt {attempt + 1}: " + ("finished before" if ended else "killed after") + f" {seconds:.1f} s")
    hosts.deploy()
    assert hosts.deploy().changed == {}


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(10))
def test_one_run_finishes_what_one_kill_interrupted(hosts: Cluster, attempt: int) -> None:
    chance = random.Random(SEED + attempt)
    # One in each tenth of the run, whatever the machine's speed: after so many tasks, and a moment.
    tasks, seconds = 1 + attempt * TASKS // 10 + chance.randrange(TASKS // 10), chance.uniform(0, 3)
    ended = kill_after(hosts, seconds, tasks)
    how = "finished before" if ended else "killed in"
    print(f"HARDWAY_SEED={SEED}: {how} task {tasks} + {seconds:.1f} s: {last_task(hosts)}")
    hosts.deploy()
    assert hosts.deploy().changed == {}
