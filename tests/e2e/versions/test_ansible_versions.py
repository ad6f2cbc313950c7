# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of ansible-core that are too old are refused in the first task, before any change."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.tools.lab import TOP


@pytest.mark.parametrize("release", ["2.16", "2.18"])
def test_an_older_release_names_the_required_one(tmp_path: Path, release: str) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"ansible-core~={release}.0\ncryptography\n")
    command = [str(TOP / "dev/tools/venv.sh"), str(tmp_path / "venv"), str(requirements)]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"ansible-core {release} cannot be installed: {installed.stderr.strip()[-300:]}")
    inventory = tmp_path / "inventory"
    shutil.copytree(TOP / "inventory.example/ha", inventory)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".collections"),
    }
    done = subprocess.run(
        ["ansible-playbook", str(TOP / "site.yml"), "-i", str(inventory)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0, said
    assert f"ansible-core {release}." in said and "too old, 2.19 or newer is required" in said, said
    assert "Unexpected Exception" not in said and "Traceback" not in said
    assert not list(inventory.rglob(".pki"))
