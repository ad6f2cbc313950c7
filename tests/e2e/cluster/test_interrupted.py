# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first deployment that is killed again and again, and finishes all the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from tests.e2e.cluster.cluster import Cluster
from tools.lab import TOP

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

# More are worth a look from time to time: HARDWAY_KILLS=10 make e2e
KILLS = int(os.environ.get("HARDWAY_KILLS", "3"))
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


def test_a_deployment_killed_at_random_points_is_finished_by_the_next_run(hosts: Cluster) -> None:
    chance = random.Random(SEED)
    print(f"HARDWAY_SEED={SEED}")
    for attempt in range(KILLS):
        seconds = chance.uniform(4, 45)
        ended = kill_after(hosts, seconds)
        print(f"attempt {attempt + 1}: " + ("finished before" if ended else "killed after") + f" {seconds:.1f} s")
    hosts.deploy()
    assert hosts.deploy().changed == {}


def kill_after(cluster: Cluster, seconds: float) -> bool:
    """Run site.yml and kill it with all its workers after some seconds; return whether it had ended by itself."""
    with (cluster.directory / "killed.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(cluster.command(), cwd=TOP, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        if process.poll() is not None:
            return True
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False
