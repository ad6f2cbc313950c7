# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default CA directory: Ansible without our settings must not read it as inventory."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest


def ansible(inventory: Path, repository: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs as outside a clone."""
    config, collections = str(inventory.parent / "ansible.cfg"), str(repository / ".collections")
    settings = {"ANSIBLE_CONFIG": config, "ANSIBLE_COLLECTIONS_PATH": collections}
    line = [command[0], "-i", str(inventory), *command[1:]]
    return subprocess.run(line, cwd="/", env={**os.environ, **settings}, capture_output=True, text=True, check=True)


PLAYBOOK = "[{hosts: localhost, gather_facts: false, roles: [hardway.kubernetes.ca]}]"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Return a directory like the examples, beside a playbook."""
    (tmp_path / "ca.yml").write_text(PLAYBOOK)
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("all: {hosts: {k1: {ansible_host: 192.0.2.11}}}")
    return tmp_path / "inventory"


def test_cas_beside_the_inventory_are_no_inventory(inventory: Path, repository: Path) -> None:
    for changed in (1, 0):
        run = ansible(inventory, repository, "ansible-playbook", str(inventory.with_name("ca.yml")))
        assert "WARNING" not in run.stderr
        assert f"changed={changed}" in run.stdout
    assert sorted(path.name for path in inventory.iterdir()) == [".pki", "hosts.yml"]
    known = json.loads(ansible(inventory, repository, "ansible-inventory", "--list").stdout)
    assert set(known["_meta"]["hostvars"]) == {"k1"}
