# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole cluster is stopped for a power cut, killed in the middle, and comes back, whatever host boots first."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections.abc import Iterator

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import SANDBOX, kubernetes_version
from tests.support.hosts.cluster import UNITS, Cluster, Run, wait_for
from tests.support.hosts.killed_run import kill_after, last_task
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

STOP, START, VERIFY = "playbooks/stop.yml", "playbooks/start.yml", "playbooks/verify.yml"
CONFIRM = ("-e", "confirm=kubernetes")
KILLS = int(os.environ.get("HARDWAY_KILLS", "2"))
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))
CHOSEN = random.Random(SEED)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of three hosts with all roles, and an object in it."""
    need_cluster()
    if rehearsal.lacking(kubernetes_version()):
        pytest.skip("needs the real binaries of Kubernetes, since stand-ins run no containers")
    print(f"seed {SEED}")
    made = Cluster("e2e-power")
    with made.standing(3):
        made.deploy()
        made.kubectl("n1", "create configmap kept --from-literal=key=value")
        yield made


def states(cluster: Cluster, verb: str) -> set[str]:
    """Return the states of all units on all hosts."""
    lines = [cluster.exec(host, f"systemctl {verb} {' '.join(UNITS)}").stdout for host in cluster.hosts()]
    return {state for line in lines for state in line.split()}


def off(cluster: Cluster) -> int:
    """Return how many hosts are off."""
    listed = subprocess.run([str(SANDBOX), "list"], capture_output=True, text=True, check=True).stdout
    return sum(line.startswith(f"{cluster.name} ") and line.endswith(" off") for line in listed.splitlines())


def logged(cluster: Cluster) -> str:
    """Return what the CoreDNS containers have logged on all hosts."""
    return "".join(cluster.exec(host, "cat /var/log/pods/*coredns*/*/*.log").stdout for host in cluster.hosts())


def verified(cluster: Cluster) -> Run:
    """Verify the cluster, and that it has what it had."""
    done = cluster.run("-e", "verify_host_timeout=180", playbook=VERIFY)
    assert done.status == 0, done.output[-6000:]
    assert cluster.kubectl("n1", "get configmap kept -o jsonpath={.data.key}") == "value"
    return done


def killed(cluster: Cluster, playbook: str, first: int, last: int, *arguments: str) -> None:
    """Kill runs of a playbook somewhere between two of its tasks."""
    for tasks in sorted(CHOSEN.sample(range(first, last), KILLS)):
        ended = kill_after(cluster, CHOSEN.random() * 2, tasks, arguments, playbook)
        print(f"{'finished before' if ended else 'killed in'} {last_task(cluster)}")


def test_the_plan_changes_nothing(cluster: Cluster) -> None:
    wrong = cluster.run("-e", "confirm=prod", playbook=STOP)
    assert wrong.status != 0 and "confirm: prod is not the name" in " ".join(wrong.output.split())
    done = cluster.run(playbook=STOP)
    assert done.status == 0 and done.changed == {}, done.output[-3000:]
    assert "Stop etcd: n1, n2, n3" in done.output and "hardway.kubernetes.stop" in done.output
    checked = cluster.run(*CONFIRM, "--check", playbook=STOP)
    assert checked.status == 0 and checked.changed["Stop etcd"] == 3, checked.output[-3000:]
    assert states(cluster, "is-active") == {"active"}
    assert cluster.run(playbook=START).changed == {}


def test_a_stop_that_was_killed_is_finished(cluster: Cluster) -> None:
    killed(cluster, STOP, 12, 20, *CONFIRM)
    done = cluster.run(*CONFIRM, playbook=STOP)
    assert done.status == 0, done.output[-6000:]
    assert states(cluster, "is-active") == {"inactive"} and states(cluster, "is-enabled") == {"enabled"}
    for host in cluster.hosts():
        assert cluster.exec(host, "pgrep containerd-shim").stdout == ""
    assert "SIGTERM: Shutting down servers" in logged(cluster)
    again = cluster.run(*CONFIRM, playbook=STOP)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]
    found = cluster.run(playbook=VERIFY)
    assert found.status != 0 and "cluster: stopped on all hosts" in found.output, found.output[-3000:]


def test_hosts_that_boot_in_any_order_form_the_cluster_by_themselves(cluster: Cluster) -> None:
    hosts = CHOSEN.sample(cluster.hosts(), 3)
    for host in cluster.hosts():
        cluster.sandbox("poweroff", "--graceful", host)
    for host in hosts:
        cluster.sandbox("poweron", host)
    print(f"booted in the order {hosts}")
    verified(cluster)
    # Nothing is left to start.
    done = cluster.run(playbook=START)
    assert done.status == 0 and done.changed == {}, done.output[-3000:]


def test_powered_off_and_on_the_start_waits_for_the_last_host(cluster: Cluster) -> None:
    done = cluster.run("-e", "poweroff=true", *CONFIRM, playbook=STOP)
    assert done.status == 0, done.output[-6000:]
    wait_for(lambda: off(cluster) == 3)
    first, *others = CHOSEN.sample(cluster.hosts(), 3)
    runs: list[Run] = []
    starting = threading.Thread(target=lambda: runs.append(cluster.run(playbook=START)))
    cluster.sandbox("poweron", first)
    starting.start()
    for host in others:
        cluster.sandbox("poweron", host)
    starting.join()
    assert runs[0].status == 0, runs[0].output[-6000:]
    verified(cluster)


def test_a_start_that_was_killed_is_finished(cluster: Cluster) -> None:
    assert cluster.run(*CONFIRM, playbook=STOP).status == 0
    # As an operator who has begun by hand.
    cluster.exec("n2", "systemctl start --no-block etcd haproxy kubelet")
    killed(cluster, START, 8, 18)
    done = cluster.run(playbook=START)
    assert done.status == 0, done.output[-6000:]
    verified(cluster)
    again = cluster.run(playbook=START)
    assert again.status == 0 and again.changed == {}, again.output[-3000:]
