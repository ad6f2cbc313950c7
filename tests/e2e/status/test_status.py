# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/status.yml on three hosts: healthy, with drift, with a dead host, without API, without any host.

Each test leaves more broken than the one before it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.cluster import Cluster, Run, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

POLICY = "/etc/kubernetes/audit-policy.yaml"
BACKUP = "/var/backups/hardway/last.json"


@dataclass
class Status:
    """The result of one run."""

    run: Run
    report: dict[str, Any]
    seconds: float

    @property
    def found(self) -> dict[str, str]:
        """Return severities by object."""
        return {finding["object"]: finding["severity"] for finding in self.report["findings"]}

    @property
    def promises(self) -> dict[str, str]:
        """Return what is safe."""
        return {promise["name"]: promise["state"] for promise in self.report["promises"]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a deployed cluster."""
    need_cluster()
    made = Cluster("e2e-status")
    with made.standing(3):
        made.deploy()
        yield made


def status(cluster: Cluster, directory: Path, **options: object) -> Status:
    """Run the playbook, which changes nothing, and return its report."""
    written = directory / "status.json"
    written.unlink(missing_ok=True)
    started = time.monotonic()
    run = cluster.run("-e", json.dumps({"status_json": str(written), **options}), playbook="playbooks/status.yml")
    seconds = time.monotonic() - started
    assert run.changed == {} and "Traceback" not in run.output, run.output[-6000:]
    assert written.is_file(), run.output[-6000:]
    found = Status(run, json.loads(written.read_text(encoding="utf-8")), seconds)
    print(f"{seconds:.1f} s, exit {run.status}, {found.report['severity']}: {found.found}")
    return found


def test_a_new_cluster_lacks_a_backup(cluster: Cluster, tmp_path: Path) -> None:
    found = status(cluster, tmp_path)
    assert (found.run.status, found.found) == (0, {"backup": "warning"})
    done = cluster.run(playbook="playbooks/backup.yml")
    assert done.status == 0, done.output[-3000:]


def test_a_healthy_cluster(cluster: Cluster, tmp_path: Path) -> None:
    page, metrics = tmp_path / "status.html", tmp_path / "status.prom"
    found = status(cluster, tmp_path, status_html=str(page), status_textfile=str(metrics), status_fail_on="warning")
    assert found.run.status == 0, found.run.output[-3000:]
    assert found.report["severity"] == "ok" and found.found == {}
    assert set(found.promises.values()) == {"ok"}
    sections = {section["name"]: section["summary"] for section in found.report["sections"]}
    assert sections["api"].startswith("3 of 3 ready")
    assert sections["etcd"].startswith("3 of 3 healthy · leader n")
    assert sections["hosts"] == "3 of 3 reached · 30 of 30 units work"
    assert f"{cluster.virtual_address()} on {cluster.holder()}" in sections["balancers"]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "hardway_status_severity" in metrics.read_text(encoding="utf-8")
    # The module ran once on each host, and once for the cluster.
    tasks = {task["name"]: task["results"] for task in found.run.tasks if "Gather the state" in task["name"]}
    assert tasks == {"Gather the state of the host": 3, "Gather the state of the cluster": 1}


def test_check_mode_reports_the_same_and_writes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    written = tmp_path / "status.json"
    run = cluster.run("--check", "-e", f"status_json={written}", playbook="playbooks/status.yml")
    assert run.status == 0 and run.changed == {}, run.output[-3000:]
    assert "The cluster works. Nothing to do." in run.output and not written.exists()


def test_drift_cordon_and_a_stale_backup_are_warnings(cluster: Cluster, tmp_path: Path) -> None:
    cluster.exec("n1", f"cp -p {POLICY} /root/policy && echo '# changed' >> {POLICY}")
    for host in cluster.hosts():
        cluster.exec(
            host, f'cp -p {BACKUP} /root/last.json && sed -i -E \'s/"time": [0-9]+/"time": 1577836800/\' {BACKUP}'
        )
    cluster.kubectl("n1", "cordon n3")
    try:
        found = status(cluster, tmp_path)
        failing = status(cluster, tmp_path, status_fail_on="warning")
    finally:
        cluster.exec("n1", f"cp -p /root/policy {POLICY}")
        for host in cluster.hosts():
            cluster.exec(host, f"test ! -e /root/last.json || mv /root/last.json {BACKUP}")
        cluster.kubectl("n1", "uncordon n3")
    assert found.found == dict.fromkeys(("node n3", "backup", "kube-apiserver on n1"), "warning")
    assert (found.run.status, failing.run.status) == (0, 2)
    assert f"{POLICY} changed" in found.run.output
    assert status(cluster, tmp_path).found == {}, "the same content is no difference"


def test_without_an_api_etcd_and_hosts_still_answer(cluster: Cluster, tmp_path: Path) -> None:
    for host in cluster.hosts():
        cluster.exec(host, "systemctl stop kube-apiserver")
    try:
        found = status(cluster, tmp_path)
        tolerated = status(cluster, tmp_path, status_fail_on="never")
    finally:
        for host in cluster.hosts():
            cluster.exec(host, "systemctl start kube-apiserver")
    assert (found.run.status, tolerated.run.status) == (2, 0)
    assert found.found == {"API": "critical"}
    assert "no API server is ready (n1: inactive (dead)" in found.run.output
    assert found.promises == {"Data": "ok", "Clients": "critical", "Workloads": "unknown"}
    wait_for(lambda: status(cluster, tmp_path).report["severity"] == "ok", 180)


def test_a_host_without_power_is_named_with_what_it_takes_along(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sandbox("poweroff", "n3")
    found = status(cluster, tmp_path)
    assert found.run.status == 2
    assert found.found["etcd"] == "critical" and found.found["host n3"] == "warning"
    assert not {"etcd member n3", "API server on n3"} & set(found.found), "consequences are not repeated"
    assert found.promises["Data"] == "warning"
    assert found.report["next"][0] == "bring n3 back"

    def node_is_lost() -> bool:
        return "API server, etcd member and node do not answer" in status(cluster, tmp_path).run.output

    wait_for(node_is_lost, 180)


def test_without_a_quorum_the_last_host_reports(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sandbox("poweroff", "n2")
    found = status(cluster, tmp_path)
    assert found.run.status == 2
    (reason,) = [one["reason"] for one in found.report["findings"] if one["object"] == "etcd"]
    assert reason.startswith("no quorum: 1 of 3 members run, it needs 2")
    assert found.promises["Data"] == found.promises["Clients"] == "critical"


def test_without_any_host_it_says_so(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sandbox("poweroff", "n1")
    found = status(cluster, tmp_path)
    assert found.run.status == 2
    assert set(found.promises.values()) == {"unknown"}
    assert {name for name, severity in found.found.items() if severity == "warning"} == {
        f"host n{n}" for n in (1, 2, 3)
    }
