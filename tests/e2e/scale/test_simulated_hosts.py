# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated hosts are held to real ones: the same runs visit the same tasks with the same results."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.bench.scale import surroundings
from dev.tools.lab import TOP, tool
from tests.support.hosts.cluster import Cluster
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

KINDS = ("ok", "changed", "skipped", "failed", "unreachable", "cached")
# In this order: each begins where the one before has ended.
RUNS: dict[str, list[str]] = {
    "fresh hosts": ["site.yml"],
    "nothing to do": ["site.yml"],
    "one setting of all nodes": ["site.yml", "-e", '{"node_max_pods": 123}'],
    "nothing to do after that": ["site.yml", "-e", '{"node_max_pods": 123}'],
    "one certificate of all nodes": [
        *("site.yml", "-e", '{"node_max_pods": 123, "cluster_certificate_renew": ["/etc/kubernetes/pki/kubelet"]}')
    ],
    "verify": ["playbooks/verify.yml"],
    "status": ["playbooks/status.yml", "-e", "status_fail_on=never"],
    "certificates": ["playbooks/certificates.yml"],
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return clean hosts."""
    need_cluster()
    made = Cluster("e2e-scale")
    with made.standing(3):
        yield made


@pytest.fixture(scope="module")
def simulated(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same inventory for simulated hosts, with no CA yet."""
    place = tmp_path_factory.mktemp("simulated")
    shutil.copytree(cluster.inventory, place / "inventory", ignore=shutil.ignore_patterns(".pki"))
    settings = yaml.safe_dump({"ansible_connection": "simulated"})
    (place / "inventory" / "group_vars" / "all" / "simulated.yml").write_text(settings, encoding="utf-8")
    return place


def results(report: Path, command: list[str], environment: dict[str, str]) -> list[dict[str, Any]]:
    """Run a playbook and return its tasks with the number of hosts for each result."""
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    tasks = json.loads(report.read_text(encoding="utf-8"))["tasks"]
    return [{name: task[name] for name in ("play", "role", "task", *KINDS)} for task in tasks]


@pytest.mark.parametrize("run", RUNS)
def test_the_same_tasks_have_the_same_results(run: str, cluster: Cluster, simulated: Path, tmp_path: Path) -> None:
    book, *arguments = RUNS[run]
    environment = surroundings(simulated / "state", tmp_path / "report", simulated / "calls")
    real = results(tmp_path / "report", cluster.command(*arguments, playbook=book), environment)
    line = [tool("ansible-playbook"), "-i", str(simulated / "inventory"), book, *arguments]
    played = results(tmp_path / "report", line, environment)
    assert [task["task"] for task in played] == [task["task"] for task in real]
    assert [(one, other) for one, other in zip(real, played) if one != other] == []
