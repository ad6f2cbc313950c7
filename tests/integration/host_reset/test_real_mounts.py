# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unmounting and deleting with real mounts, in a mount namespace of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import REPOSITORY

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare"),
]
# Run inside the namespace: mounts first, then what is tested; prints the result and the mounts that are left.
PROGRAM = """
import json, os, subprocess, sys
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import deletion, mounts
script, directory, kept, dry = json.loads(sys.argv[1])
subprocess.run(["sh", "-ec", script], check=True)
found = {}
try:
    if not dry:
        found["ended"] = mounts.unmount_below([directory], kept)
    found["deleted"] = deletion.delete(directory, dry)
except HardwayError as exc:
    found["error"] = str(exc)
found["left"] = [mount.point for mount in mounts.read() if "/case/" in mount.point]
print(json.dumps(found))
"""


def run(place: Path, script: str, kept: tuple[str, ...] = (), dry: bool = False, propagation: str = "shared") -> Any:
    """Mount, unmount and delete in a new namespace, of which the parent sees nothing."""
    top = place / "case"
    (top / "kubelet/pods").mkdir(parents=True)
    (top / "srv").mkdir()
    (top / "srv/canary").write_text("data")
    arguments = [
        script.replace("TOP", str(top)),
        str(top / "kubelet"),
        [path.replace("TOP", str(top)) for path in kept],
        dry,
    ]
    # A mount of the test's own, so that nothing is shared with the machine.
    own = f'mount --make-rprivate / && mount --bind {top} {top} && mount --make-{propagation} {top} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", own, "sh", sys.executable, "-c", PROGRAM, json.dumps(arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / ".collections")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.replace(str(top), "TOP"))


def canary(place: Path) -> str:
    """Return what is in the file of others."""
    return (place / "case/srv/canary").read_text()


@pytest.mark.parametrize("propagation", ["shared", "private"])
def test_a_volume_below_the_directory_is_unmounted_and_its_data_stay(tmp_path: Path, propagation: str) -> None:
    script = """
    mkdir -p TOP/kubelet/pods/a/data "TOP/kubelet/pods/a/with blank"
    mount --bind TOP/srv TOP/kubelet/pods/a/data
    mount -t tmpfs none "TOP/kubelet/pods/a/with blank"; mkdir "TOP/kubelet/pods/a/with blank/below"
    mount -t tmpfs none "TOP/kubelet/pods/a/with blank/below"
    """
    found = run(tmp_path, script, propagation=propagation)
    assert found["ended"][0] == "TOP/kubelet/pods/a/with blank/below" and len(found["ended"]) == 3
    assert found["deleted"] == [True, []] and found["left"] == []
    assert not (tmp_path / "case/kubelet").exists() and canary(tmp_path) == "data"


def test_deleting_stops_at_a_bind_mount_of_the_same_file_system(tmp_path: Path) -> None:
    """Its device is the same, so only the number of the mount reveals it."""
    script = "mkdir -p TOP/kubelet/pods/a/data; touch TOP/kubelet/pods/x; mount --bind TOP/srv TOP/kubelet/pods/a/data"
    found = run(tmp_path, script, kept=("TOP/kubelet/pods/a/data",))
    assert found["deleted"] == [True, ["TOP/kubelet/pods/a/data"]] and found["left"] == ["TOP/kubelet/pods/a/data"]
    assert canary(tmp_path) == "data" and not (tmp_path / "case/kubelet/pods/x").exists()


def test_an_unmount_does_not_reach_what_others_have_mounted(tmp_path: Path) -> None:
    """A recursive bind mount is in the peer group of its source, and unmounts go to both."""
    script = """
    mkdir TOP/srv/sub; mount -t tmpfs none TOP/srv/sub; echo data >TOP/srv/sub/file
    mkdir -p TOP/kubelet/pods/a; mount --rbind TOP/srv TOP/kubelet/pods/a
    """
    found = run(tmp_path, script)
    assert found["left"] == ["TOP/srv/sub"], found
    assert sorted(found["ended"]) == ["TOP/kubelet/pods/a", "TOP/kubelet/pods/a/sub"]


def test_a_busy_mount_stops_with_the_process_and_nothing_is_deleted(tmp_path: Path) -> None:
    script = """
    mkdir -p TOP/kubelet/pods/a; touch TOP/kubelet/pods/x; mount -t tmpfs none TOP/kubelet/pods/a
    (cd TOP/kubelet/pods/a && exec sleep 30 >/dev/null 2>&1 </dev/null) & sleep 0.5
    """
    found = run(tmp_path, script)
    assert found["error"].startswith("TOP/kubelet/pods/a: still mounted, used by process")
    assert "(sleep); end it, and run the same command again" in found["error"]
    assert found["left"] == ["TOP/kubelet/pods/a"] and (tmp_path / "case/kubelet/pods/x").exists()


def test_a_directory_that_is_a_mount_point_is_emptied_and_stays_mounted(tmp_path: Path) -> None:
    script = "mount -t tmpfs none TOP/kubelet; mkdir -p TOP/kubelet/pods/a; mount -t tmpfs none TOP/kubelet/pods/a"
    found = run(tmp_path, script)
    assert found["ended"] == ["TOP/kubelet/pods/a"]
    assert found["deleted"] == [True, []] and found["left"] == ["TOP/kubelet"]


def test_a_file_that_is_a_mount_point_is_unmounted(tmp_path: Path) -> None:
    script = "touch TOP/kubelet/file; mount --bind TOP/srv/canary TOP/kubelet/file"
    found = run(tmp_path, script)
    assert found["ended"] == ["TOP/kubelet/file"] and found["left"] == [] and canary(tmp_path) == "data"


def test_a_dry_run_finds_something_and_changes_nothing(tmp_path: Path) -> None:
    script = "mkdir TOP/kubelet/pods/a; mount --bind TOP/srv TOP/kubelet/pods/a; touch TOP/kubelet/pods/x"
    found = run(tmp_path, script, dry=True)
    assert found["deleted"][0] is True
    assert (tmp_path / "case/kubelet/pods/x").exists() and canary(tmp_path) == "data"
