# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/drill.yml on three hosts: plan, killed in the middle, refused, and whole."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP
from dev.tools.processes import family, kill
from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

PLAYBOOK = "playbooks/drill.yml"
CONFIRM = ("-e", "confirm=kubernetes")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a deployed cluster. Its machine is slow, so a client may have to wait longer."""
    need_cluster()
    made = Cluster("e2e-drill")
    with made.standing(3):
        made.settings = {"verify_workload": False}
        made.deploy()
        made.settings |= {"drill_max_gap": 30}
        yield made


def drill(cluster: Cluster, *arguments: str) -> Run:
    """Run the playbook."""
    return cluster.run(*arguments, playbook=PLAYBOOK)


def stopped(cluster: Cluster) -> dict[str, str]:
    """Return the units that do not run, by host."""
    units = "etcd kube-apiserver kube-controller-manager kube-scheduler haproxy keepalived kubelet"
    shown = {host: cluster.exec(host, f"systemctl is-active {units}").stdout for host in cluster.hosts()}
    return {host: text for host, text in shown.items() if set(text.split()) != {"active"}}


def test_the_plan_stops_nothing(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.starts()
    run = drill(cluster, "-e", f"plan_file={tmp_path / 'plan.json'}")
    assert run.status == 0 and run.changed == {}, run.output[-5000:]
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert [step["left_out"] for step in plan["steps"]] == [""] * 6
    assert plan["steps"][2]["host"] == cluster.holder()
    assert "-e confirm=kubernetes" in run.output and cluster.starts() == before
    wrong = drill(cluster, "-e", "confirm=other")
    assert wrong.status != 0 and "other is not the name of this cluster" in wrong.output
    checked = drill(cluster, *CONFIRM, "--check")
    assert checked.status == 0 and checked.changed == {}, checked.output[-5000:]
    assert cluster.starts() == before


def kill_while_stopped(cluster: Cluster, seconds: int) -> None:
    """Run the playbook and kill all of it while a unit is stopped for that long."""
    log = cluster.directory / "killed.log"
    line = cluster.command(*CONFIRM, "-e", "steps=kube-scheduler", "-e", f"drill_seconds={seconds}", playbook=PLAYBOOK)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(line, cwd=TOP, stdout=output, stderr=output, start_new_session=True)
        while "Wait until everything is healthy again" not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")[-6000:]
            time.sleep(0.1)
        kill(family(process.pid))
        process.wait()
    assert [host for host, text in stopped(cluster).items() if "inactive" in text]


def test_a_killed_run_leaves_nothing_stopped(cluster: Cluster) -> None:
    kill_while_stopped(cluster, 20)
    wait_for(lambda: not stopped(cluster), 90)


def test_the_same_command_starts_first_what_a_killed_run_has_stopped(cluster: Cluster, tmp_path: Path) -> None:
    kill_while_stopped(cluster, 3600)
    run = drill(cluster, *CONFIRM, "-e", "steps=kube-scheduler", "-e", f"report_file={tmp_path / 'a.md'}")
    assert run.status == 0, run.output[-6000:]
    assert run.changed["Start what a drill has stopped"] == 1
    assert stopped(cluster) == {}


def test_an_unhealthy_cluster_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    cluster.exec("n3", "systemctl stop etcd")
    try:
        plan = drill(cluster)
        run = drill(cluster, *CONFIRM, "-e", f"report_file={tmp_path / 'a.md'}")
    finally:
        cluster.exec("n3", "systemctl start etcd")
    assert plan.status != 0 and run.status != 0
    assert "Stop the units for a while" not in run.output and not (tmp_path / "a.md").exists()
    wait_for(lambda: not stopped(cluster), 90)


def test_the_whole_drill(cluster: Cluster, tmp_path: Path) -> None:
    before, holder = cluster.starts(), cluster.holder()
    run = drill(cluster, *CONFIRM, "-e", f"report_file={tmp_path / 'drill.md'}")
    assert (tmp_path / "drill.md").is_file(), run.output[-6000:]
    text = (tmp_path / "drill.md").read_text(encoding="utf-8")
    print(text)
    assert run.status == 0, run.output[-6000:]
    report: dict[str, Any] = json.loads((tmp_path / "drill.json").read_text(encoding="utf-8"))
    assert report["verdict"] == "passed" and "**passed**" in text
    assert [step["verdict"] for step in report["steps"]] == ["passed"] * 6
    steps = {step["part"]: step for step in report["steps"]}
    assert all(step["client"]["lost"] == 0 and step["client"]["writes"] > 20 for step in report["steps"])
    assert steps["leader of etcd"]["before"] != steps["leader of etcd"]["after"]
    balancer = steps["load balancer with the virtual IP"]
    assert (balancer["before"], balancer["host"]) == (holder, holder) and balancer["after"] not in ("", holder)
    assert steps["kubelet of a node"]["seconds_until_back"] is not None
    # What was stopped has started again, and nothing else has.
    changed = {name for name, start in cluster.starts().items() if before[name] != start}
    expected = {f"{step['host']} {unit}" for step in report["steps"] for unit in step["units"]}
    server = steps["API server"]["host"]
    # With the API server, both stop. One of them may have been the leader that was stopped before.
    with_it = {f"{server} kube-controller-manager", f"{server} kube-scheduler"}
    assert changed - with_it == expected - with_it
    assert stopped(cluster) == {}
    assert cluster.kubectl("n1", "get configmaps --namespace kube-system --selector hardway/drill --output name") == ""
