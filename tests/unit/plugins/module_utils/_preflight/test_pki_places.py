# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a PKI directory does not outlive the controller."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import pki_places

MOUNTS = """22 1 0:21 / / rw,relatime - {root} overlay rw
23 22 0:22 / /dev/shm rw shared:5 master:1 - tmpfs tmpfs rw
24 22 0:23 / /mnt/my\\040volume rw - ext4 /dev/vdb rw
25 22 0:24 / /mnt/stacked rw - ext4 /dev/vdb rw
26 22 0:25 / /mnt/stacked rw - tmpfs tmpfs rw
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a directory for files of a machine."""
    (tmp_path / "dockerenv").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "root", "container", "environment", "reason"),
    [
        ("/home/ops/.pki", "ext4", False, {}, ""),
        ("/home/ops/.pki", "ext4", True, {}, ""),
        ("/home/ops/.pki", "overlay", False, {}, ""),
        ("/home/ops/.pki", "overlay", True, {}, "in the file system of a container"),
        ("/home/ops/.pki", "overlay", False, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, "of a container"),
        ("/mnt/my volume/.pki", "overlay", True, {}, ""),
        ("/mnt/stacked/.pki", "ext4", False, {}, "in memory (tmpfs)"),
        ("/dev/shm/pki", "ext4", False, {}, "in memory (tmpfs)"),
        ("/dev/shmother/pki", "ext4", False, {}, ""),
        ("/builds/infra/.pki", "ext4", False, {"CI_PROJECT_DIR": "/builds/infra"}, "of a job (CI_PROJECT_DIR)"),
        ("/srv/pki", "ext4", False, {"CI_PROJECT_DIR": "/builds/infra"}, ""),
    ],
)
def test_reason(machine: Path, path: str, root: str, container: bool, environment: dict[str, str], reason: str) -> None:
    (machine / "mountinfo").write_text(MOUNTS.format(root=root), encoding="utf-8")
    marks = [str(machine / ("dockerenv" if container else "none"))]
    found = pki_places.ephemeral(path, str(machine / "mountinfo"), marks, environment)
    assert reason in found if reason else found == ""


def test_a_directory_that_was_there_before_the_job_is_not_lost(tmp_path: Path) -> None:
    """A runner on a machine of your own keeps its working directory."""
    environment = {"GITHUB_WORKSPACE": str(tmp_path)}
    assert "GITHUB_WORKSPACE" in pki_places.ephemeral(str(tmp_path / "pki"), "/none", [], environment)
    assert pki_places.ephemeral(str(tmp_path), "/none", [], environment) == ""
