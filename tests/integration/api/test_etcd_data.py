# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_data moves data and deletes none, never below a running etcd."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.programs import RealEtcd

Run = Callable[..., dict[str, Any]]


def test_data_are_moved_and_an_empty_directory_is_left(run_module: Run, tmp_path: Path) -> None:
    data = tmp_path / "etcd"
    (data / "member").mkdir(parents=True)
    (data / "member" / "db").write_text("old", encoding="utf-8")
    data.chmod(0o711)
    paths = [str(data), str(tmp_path / "absent"), str(data)]
    assert run_module("etcd_data", check=True, paths=paths)["changed"] and (data / "member").exists()
    moved = run_module("etcd_data", paths=paths)["moved"]
    assert list(moved) == [str(data)]
    assert moved[str(data)].startswith(f"{data}.removed-2")
    assert (Path(moved[str(data)]) / "member" / "db").read_text(encoding="utf-8") == "old"
    assert list(data.iterdir()) == [] and data.stat().st_mode & 0o777 == 0o711
    assert not run_module("etcd_data", paths=paths)["changed"]


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_data_stay_on_a_disk_of_their_own(run_module: Run, tmp_path: Path) -> None:
    data = tmp_path / "disk"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(data)], check=True)
    try:
        (data / "member").mkdir()
        (data / "lost+found").mkdir()
        moved = Path(run_module("etcd_data", paths=[str(data)])["moved"][str(data)])
        assert moved.parent == data and [path.name for path in moved.iterdir()] == ["member"]
        assert not run_module("etcd_data", paths=[str(data)])["changed"]
    finally:
        subprocess.run(["umount", str(data)], check=True)


def test_a_running_etcd_keeps_its_data(run_module: Run, etcd: RealEtcd) -> None:
    assert run_module("etcd_health", **etcd.arguments())["healthy"]
    paths = [str(etcd.directory / "m1")]
    # A task before it may stop etcd.
    predicted = run_module("etcd_data", check=True, paths=paths)
    assert list(predicted["moved"]) == paths, predicted
    refused = run_module("etcd_data", paths=paths)
    assert refused["failed"] and "etcd is running with it" in refused["msg"]
    assert run_module("etcd_health", **etcd.arguments())["healthy"]
