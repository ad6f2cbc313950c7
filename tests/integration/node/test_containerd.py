# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role containerd and module image_archive on a real host, checked by ctr."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.programs import BINARIES
from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import REPOSITORY

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]
IMAGES = "ctr --namespace k8s.io images ls"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the archives of the sandbox."""
    directory = tmp_path_factory.mktemp("images")
    environment = {**os.environ, "HARDWAY_CACHE_DIR": str(directory)}
    command = [str(REPOSITORY / "dev/sandbox/sandbox"), "images"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return sorted(str(path) for path in directory.rglob("*.tar"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a host without containerd."""
    if not (BINARIES / "containerd").exists():
        command = [sys.executable, "-m", "dev.sandbox", "binaries"]
        subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    with lab(tmp_path_factory.mktemp("images"), 1) as ready:
        yield ready


def tasks(role: str) -> dict[str, Any]:
    """Return the task that runs a role."""
    return {"ansible.builtin.include_role": {"name": f"hardway.kubernetes.{role}"}}


def settings(archives: list[str]) -> dict[str, Any]:
    """Return the settings of a user who runs only this role."""
    return {
        "cluster_binary_dir": str(BINARIES),
        "cluster_image_archives": archives,
        "cluster_component_versions": {"containerd": "2.1.9"},
        "containerd_registries": [{"host": "reg.example:5000", "username": "u", "password": "p"}],
    }


def test_role_alone_runs_containerd_with_images(host: Lab, archives: list[str]) -> None:
    given = settings(archives)
    host.play(tasks("host"), tasks("containerd"), check=True, **given)
    assert host.inside("n1", "ls /usr/local/bin") == ""
    host.play(tasks("host"), tasks("containerd"), **given)
    config = host.inside("n1", "/usr/local/bin/containerd config dump")
    version = host.inside("n1", "stat --format %T --file-system /sys/fs/cgroup")
    assert f"SystemdCgroup = {'true' if version == 'cgroup2fs' else 'false'}" in config.replace("cgroup2fs", "")
    assert "username = 'u'" in config
    images = host.inside("n1", IMAGES)
    assert "registry.k8s.io/pause:" in images and "docker.io/library/busybox:" in images
    assert host.inside("n1", "ls -l /etc/containerd/config.toml").startswith("-rw-------")


def test_only_missing_images_are_sent_again(host: Lab, archives: list[str]) -> None:
    task = {"hardway.kubernetes.image_archive": {"archives": archives}}
    assert not host.play(task)["n1"]["changed"]
    pause = host.inside("n1", f"{IMAGES} -q | grep pause")
    host.inside("n1", f"ctr --namespace k8s.io images rm {pause}")
    assert host.play(task, check=True)["n1"]["imported"] == [pause]
    assert host.play(task)["n1"]["imported"] == [pause]
    assert pause in host.inside("n1", f"{IMAGES} -q")
    assert not host.play(task)["n1"]["changed"]


def test_compressed_archive_is_imported_too(host: Lab, archives: list[str], tmp_path: Path) -> None:
    packed = tmp_path / "pause.tar.gz"
    packed.write_bytes(gzip.compress(Path(next(path for path in archives if "pause" in path)).read_bytes()))
    pause = host.inside("n1", f"{IMAGES} -q | grep pause")
    host.inside("n1", f"ctr --namespace k8s.io images rm {pause}")
    task = {"hardway.kubernetes.image_archive": {"archives": [str(packed)]}}
    assert host.play(task)["n1"].get("imported") == [pause]
    assert pause in host.inside("n1", f"{IMAGES} -q")
    assert not host.play(task)["n1"]["changed"]


def test_cached_results_cover_the_images(host: Lab, archives: list[str]) -> None:
    read = {"hardway.kubernetes.cached_results": {}, "register": "_host_cached_results"}
    task = {"hardway.kubernetes.image_archive": {"archives": archives}}
    assert not host.play(read, task)["n1"]["changed"]
    assert host.play(read, task)["n1"]["from_cached_result"]
    host.inside("n1", f"ctr --namespace k8s.io images rm $({IMAGES} -q | grep pause)")
    assert host.play(read, task)["n1"]["changed"]
    assert not host.play(read, task)["n1"]["changed"]


def test_a_file_that_is_no_archive_is_refused(host: Lab, tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"no")
    task = {"hardway.kubernetes.image_archive": {"archives": [str(tmp_path / "no.tar")]}}
    said = host.play(task)["n1"]
    assert said["failed"] and "no readable archive" in said["msg"]
