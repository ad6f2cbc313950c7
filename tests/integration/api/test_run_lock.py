# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of whole runs of ansible-playbook: refused, released at the end or a kill, taken over.

With a real API and a real etcd, and with etcd alone, as while no API server runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.lock_places import InApi, InEtcd

from dev.tools.lab import TOP, tool
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary


class Runs:
    """Runs of a playbook that locks the cluster and then waits until a file is there."""

    def __init__(self, kubernetes: RealKubernetes, directory: Path, places: list[str]) -> None:
        self.directory, self.end = directory, directory / "end"
        etcd = {**kubernetes.etcd.arguments(), "etcdctl": str(binary("etcdctl"))}
        # In each of these, the lock of every run is looked for.
        self.places = [InEtcd(etcd), InApi(kubernetes.arguments())][: len(places)]
        arguments = {**kubernetes.arguments(), "etcd": etcd, "take_over": "{{ take_over | default('') }}"}
        if "api" not in places:
            arguments["servers"] = ["https://127.0.0.1:9"]
        wait = {"ansible.builtin.wait_for": {"path": str(self.end), "timeout": 60, "sleep": 1}}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"name": "Lock", "hardway.kubernetes.cluster_lock": arguments}, {"name": "Wait", **wait}],
        }
        self.playbook = directory / "change.yml"
        self.playbook.write_text(json.dumps([play]), encoding="utf-8")
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, controller: str = "one") -> subprocess.Popen[str]:
        """Start a run on this or another controller, which has temporary files of its own."""
        place = self.directory / controller
        place.mkdir(exist_ok=True)
        environment = {**os.environ, "TMPDIR": str(place), "ANSIBLE_LOCALHOST_WARNING": "0"}
        command = [tool("ansible-playbook"), str(self.playbook), *arguments]
        run = subprocess.Popen(
            command, cwd=TOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.started.append(run)
        return run

    def lease(self) -> dict[str, Any]:
        """Return the lock if it is the same in each place; empty if it is in none."""
        found = [lease for lease in (place.read()[0] for place in self.places) if lease]
        if len(found) != len(self.places):
            return {}
        assert len({lease["spec"]["holderIdentity"] for lease in found}) == 1, found
        return found[0]

    def holder(self) -> str:
        """Return the holder of the lock."""
        lease = self.lease()
        return str(lease["spec"]["holderIdentity"]) if lease else ""

    def wait_until(self, held: bool) -> str:
        """Wait until a run holds the lock, or none."""
        end = time.monotonic() + 30
        while bool(self.holder()) is not held:
            assert time.monotonic() < end, self.holder()
            time.sleep(0.2)
        return self.holder()


@pytest.fixture(params=[["etcd", "api"], ["etcd"]], ids=["both", "etcd"])
def runs(request: pytest.FixtureRequest, kubernetes: RealKubernetes, tmp_path: Path) -> Iterator[Runs]:
    """Return runs; those that still wait are ended."""
    found = Runs(kubernetes, tmp_path, request.param)
    yield found
    found.end.touch()
    for run in found.started:
        run.communicate(timeout=60)
    found.wait_until(held=False)


def output_of(run: subprocess.Popen[str]) -> str:
    """Wait for the end of a run that must have failed."""
    output, _errors = run.communicate(timeout=60)
    assert run.returncode != 0, output
    return output


def test_a_second_run_is_refused_and_a_later_one_is_not(runs: Runs) -> None:
    first = runs.start()
    holder = runs.wait_until(held=True)
    assert f"/{first.pid}-" in holder
    refused = output_of(runs.start(controller="other"))
    assert f"locked by {holder}, which runs change.yml since" in refused and "take_over=" in refused
    on_this_controller = output_of(runs.start())
    assert "on this controller; wait until it has ended" in on_this_controller
    runs.end.touch()
    assert first.wait(timeout=60) == 0
    assert runs.start().wait(timeout=60) == 0, "the next run does not wait for the release"


def test_a_killed_run_holds_nothing(runs: Runs) -> None:
    first = runs.start()
    runs.wait_until(held=True)
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=10)
    runs.wait_until(held=False)


def test_a_run_whose_lock_is_taken_over_ends(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    first = runs.start()
    holder = runs.wait_until(held=True)
    second = runs.start("-e", f"take_over={holder}", controller="other")
    assert "the lock was taken over by" in output_of(first)
    assert second.poll() is None and f"/{second.pid}-" in runs.holder()


def test_the_lock_is_renewed_while_the_run_lives(runs: Runs) -> None:
    runs.start()
    runs.wait_until(held=True)
    before = runs.lease()["spec"]
    end = time.monotonic() + 40
    while runs.lease()["spec"]["renewTime"] == before["renewTime"]:
        assert time.monotonic() < end, before
        time.sleep(1)
    # What the run does now is known to others.
    assert runs.lease()["metadata"]["annotations"]["hardway.kubernetes/step"] == "Wait"
    assert ", at 'Wait' (renewed" in output_of(runs.start(controller="other"))
    assert list(runs.directory.glob("one/hardway-*/*.step"))
    runs.end.touch()
    runs.wait_until(held=False)
    assert not list(runs.directory.glob("*/hardway-*/*.step"))
