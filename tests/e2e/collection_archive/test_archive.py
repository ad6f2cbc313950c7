# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built archive, installed into an empty directory, deploys a cluster with the newest ansible-core."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.tools.lab import SANDBOX, TOP, Lab, tool
from tests.support.ansible_cores import newest
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return one host, with an inventory that says nothing about interpreter and pipelining."""
    need_cluster()
    made = Lab("archive", "single-master", ["node=n1"])
    with made.standing(1):
        path = made.inventory / "hosts.yml"
        inventory = yaml.safe_load(path.read_text(encoding="utf-8"))
        del inventory["all"]["vars"]["ansible_python_interpreter"]
        path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        yield made


def run(lab: Lab, place: Path, *command: str) -> str:
    """Run a command of the newest ansible-core beside the hosts, with no settings but where collections are."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [str(SANDBOX), "run", "--name", lab.name, "--", *command],
        cwd=place,
        env={**others, "HOME": str(place), "ANSIBLE_COLLECTIONS_PATH": str(place / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def test_the_archive_deploys_a_cluster_from_an_empty_directory(lab: Lab, tmp_path: Path) -> None:
    programs = newest(TOP)
    built, place = tmp_path / "built", tmp_path / "empty"
    place.mkdir()
    build = [tool("ansible-galaxy"), "collection", "build", "--output-path", str(built)]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (archive,) = built.glob("*.tar.gz")
    run(lab, place, str(programs / "ansible-galaxy"), "collection", "install", str(archive), "-p", "collections")
    assert (place / "collections/ansible_collections/hardway/kubernetes/MANIFEST.json").is_file()

    playbook = [str(programs / "ansible-playbook"), "hardway.kubernetes.site", "-i", str(lab.inventory)]
    first = run(lab, place, *playbook)
    assert re.search(r"n1 +: ok=.* changed=[1-9]", first)
    assert "discovered Python interpreter" in first and "pipelining" in first
    # With the settings of inventory.example there are no warnings.
    example = yaml.safe_load((TOP / "inventory.example/single-master/group_vars/all.yml").read_text(encoding="utf-8"))
    (lab.inventory / "group_vars" / "all" / "example.yml").write_text(yaml.safe_dump(example), encoding="utf-8")
    second = run(lab, place, *playbook)
    assert re.search(r"n1 +: ok=.* changed=0 ", second)
    assert "discovered Python interpreter" not in second and "pipelining" not in second
    assert "Ready" in lab.exec("n1", "kubectl get nodes --kubeconfig /etc/kubernetes/admin.conf").stdout
    # Nothing is written into the working directory; the CAs are beside the inventory.
    assert {path.name for path in place.iterdir()} <= {"collections", ".ansible", ".cache", ".ssh"}
    assert (lab.pki / "ca.crt").is_file()
