# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's inventory is run on sandbox hosts and reported; nothing else is touched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.tools.lab import SANDBOX, TOP, collect
from tests.support.needs import need_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]
NAME = "rehearse-test"
HOSTS = {
    "etcd": {"hosts": {"alpha": None}},
    "master": {"hosts": {"alpha": None}},
    "node": {"hosts": {"alpha": None, "beta": None}},
    "others": {"hosts": {"archive": {"ansible_connection": "local"}}},
}
# The first would change this machine, the second would contact another one.
HOST_VARS = {
    "alpha": {"ansible_host": "10.99.0.1", "ansible_connection": "local", "cluster_node_ip": "10.99.0.1"},
    "beta": {
        "ansible_host": "10.99.0.2",
        "ansible_ssh_host": "10.99.0.2",
        "ansible_user": "ops",
        "ansible_become": True,
    },
}
ALL = {"cluster_name": "shop", "cluster_api_extra_sans": ["10.99.0.1", "api.example.org"]}


@dataclass
class Rehearsed:
    """The result of a rehearsal."""

    output: str
    inventory: Path
    report: str
    files: Path

    def rows(self, heading: str) -> list[list[str]]:
        """Return the rows of one of the report's tables."""
        (found,) = [part for part in self.report.split("\n\n") if part.startswith(heading)]
        return [re.split(r"\s{2,}", line.strip()) for line in found.splitlines()[2:]]


def write(path: Path, content: Any) -> None:
    """Write a YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """Rehearse with stand-ins, also where the real programs are available: other tests use those."""
    need_hosts()
    collect()
    inventory = tmp_path_factory.mktemp("operator") / "inventory"
    write(inventory / "hosts.yml", HOSTS)
    write(inventory / "group_vars/all.yml", ALL)
    for host, variables in HOST_VARS.items():
        write(inventory / f"host_vars/{host}.yml", variables)
    command = [sys.executable, str(TOP / "dev/tools/rehearse.py"), str(inventory), "--name", NAME]
    done = subprocess.run(
        command, cwd=TOP, env={**os.environ, "HARDWAY_REHEARSAL": "1"}, capture_output=True, text=True, check=False
    )
    try:
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
        report = TOP / "build" / NAME / "report"
        yield Rehearsed(done.stdout, inventory, (report / "report.txt").read_text(), report / "files")
    finally:
        subprocess.run([SANDBOX, "down", "--name", NAME], check=False)
        shutil.rmtree(TOP / "build" / NAME, ignore_errors=True)


def test_it_says_that_it_is_a_rehearsal_and_only_sandbox_hosts_are_used(rehearsed: Rehearsed) -> None:
    assert rehearsed.output.startswith("REHEARSAL of Kubernetes")
    recap = rehearsed.output.partition("PLAY RECAP")[2]
    # This machine is in the recap where a play runs something on it.
    assert set(re.findall(r"^(\S+) +: ok=", recap, re.MULTILINE)) - {"localhost"} == {"alpha", "beta"}


def test_programs_are_reported_by_host(rehearsed: Rehearsed) -> None:
    found = {tuple(row[:2]) for row in rehearsed.rows("host   program")}
    assert ("alpha", "/usr/local/bin/kube-apiserver") in found and ("beta", "/usr/local/bin/kubelet") in found
    assert ("beta", "/usr/local/bin/kube-apiserver") not in found


def test_certificates_have_the_names_of_the_sandbox(rehearsed: Rehearsed) -> None:
    found = {(row[0], row[1]): row for row in rehearsed.rows("host   certificate")}
    names = " ".join(found["alpha", "/etc/kubernetes/pki/apiserver.crt"])
    assert "api.example.org" in names and "198.18.0.11" in names and "10.99.0.1" not in names
    subjects = [row[2] for row in found.values() if row[0] == "beta" and "kubelet-client-" in row[1]]
    assert subjects == ["CN=system:node:beta,O=system:nodes"]


def test_units_start_in_order(rehearsed: Rehearsed) -> None:
    started = [(row[2], row[3]) for row in rehearsed.rows("second") if row[1] == "started"]
    places = [started.index(one) for one in (("etcd", "alpha"), ("kube-apiserver", "alpha"), ("kubelet", "beta"))]
    assert places == sorted(places)


def test_time_is_reported_by_play(rehearsed: Rehearsed) -> None:
    plays = [row[0] for row in rehearsed.rows("phase")]
    assert plays[0] == "sandbox hosts" and "1. site.yml" in plays and len(plays) > 8


def test_every_file_is_reported_and_no_secret(rehearsed: Rehearsed) -> None:
    unit = rehearsed.files / "alpha/etc/systemd/system/kube-apiserver.service"
    assert "--etcd-servers=" in unit.read_text()
    for path in rehearsed.files.rglob("*"):
        if path.is_file():
            assert "PRIVATE KEY" not in path.read_text(), path


def test_nothing_of_the_operator_is_touched(rehearsed: Rehearsed) -> None:
    found = sorted(str(path.relative_to(rehearsed.inventory)) for path in rehearsed.inventory.rglob("*.*"))
    assert found == ["group_vars/all.yml", "host_vars/alpha.yml", "host_vars/beta.yml", "hosts.yml"]
