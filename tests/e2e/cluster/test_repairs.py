# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished cluster with manual changes in every part: the next run repairs it, and restarts nothing else."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.standins import use as rehearsal
from dev.tools.lab import TOP, kubernetes_version
from tests.support.hosts.cluster import Cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

DAMAGES = Path(__file__).with_name("damages.yml")


def damages() -> Iterator[dict[str, Any]]:
    """Yield the damages that are possible here: where nothing starts pods, not those that only pods show."""
    without_pods = bool(rehearsal.replaced(kubernetes_version()))
    for group in yaml.safe_load(DAMAGES.read_text(encoding="utf-8")).values():
        yield from (damage for damage in group if not (without_pods and damage.get("pods")))


def carry_out(cluster: Cluster, damage: dict[str, Any], verb: str) -> str:
    """Run one of the commands of a damage; return nothing where it succeeds, else its output."""
    hosts = cluster.hosts()
    if damage["host"] == "controller":
        done = subprocess.run(
            ["sh", "-c", damage[verb]],
            env={**os.environ, "PKI": str(cluster.pki)},
            capture_output=True,
            text=True,
            check=False,
        )
    else:
        host = hosts[damage["host"]]
        done = cluster.exec(host, f"export HERE={host} KUBECONFIG=/etc/kubernetes/admin.conf; {damage[verb]}")
    label = f"{damage['object']} {damage['how']} on {damage['host']}"
    return "" if done.returncode == 0 else f"{label}: {done.stdout}{done.stderr}".strip()


def archive_packages(cluster: Cluster, done: list[dict[str, Any]]) -> None:
    """Give the hosts that lose packages an archive to install them from, because they have no network."""
    script = (TOP / "tests/support/hosts/package_archive.py").read_text(encoding="utf-8")
    names: dict[str, list[str]] = {}
    for damage in done:
        kind, _space, name = damage["object"].partition(" ")
        if kind == "package":
            names.setdefault(cluster.hosts()[damage["host"]], []).append(name)
    for host, packages in names.items():
        made = cluster.exec(host, f"python3 - {' '.join(packages)} <<'END'\n{script}\nEND")
        assert made.returncode == 0, made.stderr


# The same without cached results, which takes minutes more.
TRUSTED = [
    pytest.param(True, id="cached-results"),
    pytest.param(False, id="everything-compared", marks=pytest.mark.long),
]


@pytest.mark.parametrize("trusted", TRUSTED)
def test_the_next_run_repairs_every_damage_and_restarts_nothing_else(cluster: Cluster, trusted: bool) -> None:
    setting = ("-e", json.dumps({"host_use_cached_results": trusted}))
    cluster.deploy(*setting)
    # No results are cached where none may be used.
    before, done = cluster.starts(), [each for each in damages() if trusted or "cached-results" not in each["object"]]
    begin = time.time()
    archive_packages(cluster, done)
    failed = [said for damage in done if (said := carry_out(cluster, damage, "damage"))]
    assert not failed, failed
    unharmed = [damage["object"] for damage in done if not carry_out(cluster, damage, "repaired")]
    assert unharmed == [], "damages that do no harm prove nothing"
    cluster.deploy(*setting)
    lost = [said for damage in done if (said := carry_out(cluster, damage, "repaired"))]
    assert not lost, lost
    expected = {f"{cluster.hosts()[damage['host']]} {unit}" for damage in done for unit in damage.get("restarts", [])}
    after = cluster.starts()
    restarted = {name for name in after if after[name] != before[name]}
    assert expected <= restarted
    # Some damages keep leaders from the API for a while.
    assert [name for name in restarted - expected if not cluster.ended_itself(name, begin)] == []
    assert cluster.deploy(*setting).changed == {}
    again = cluster.starts()
    assert {name for name in again if again[name] != after[name]} == set()
    print(f"{len(done)} damages repaired")


SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


@pytest.mark.long
def test_a_single_damage_is_noticed_on_hosts_that_were_left_alone(cluster: Cluster) -> None:
    print(f"seed {SEED}")
    every = [damage for damage in damages() if damage["host"] != "controller" and "package" not in damage["object"]]
    for damage in random.Random(SEED).sample(every, int(os.environ.get("HARDWAY_DAMAGES", "8"))):
        print(damage["object"], damage["how"])
        # The first of these marks what the damage before has left.
        cluster.deploy()
        assert cluster.deploy().changed == {}
        assert carry_out(cluster, damage, "damage") == ""
        assert cluster.deploy().changed != {}
        assert carry_out(cluster, damage, "repaired") == ""


def test_a_run_names_what_it_cannot_repair(cluster: Cluster) -> None:
    second = cluster.hosts()[1]
    cluster.exec(second, "systemctl stop keepalived && systemctl mask keepalived")
    try:
        run = cluster.run()
    finally:
        cluster.exec(second, "systemctl unmask keepalived")
    assert run.status != 0
    assert "masked" in run.output and "systemctl unmask keepalived" in run.output, run.output[-3000:]
    cluster.deploy()
    assert cluster.exec(second, "systemctl -q is-active keepalived").returncode == 0
