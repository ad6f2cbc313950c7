# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_snapshot against real members; read by etcdutl."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import snapshot

from tests.support.api.programs import RealEtcd, binary, need_programs

Run = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow


def test_one_intact_snapshot_is_kept_for_root_alone(etcd: RealEtcd, run_module: Run, tmp_path: Path) -> None:
    need_programs("etcdctl", "etcdutl")
    directory = tmp_path / "new" / "backups"
    options = {**etcd.arguments(), "etcdctl": str(binary("etcdctl")), "directory": str(directory), "prefix": "before"}
    run_module("etcd_key", **etcd.arguments(), etcdctl=options["etcdctl"], path="invoice", value="4711")
    predicted = run_module("etcd_snapshot", check=True, **options)
    assert predicted["changed"] and predicted["size"] and not directory.exists()
    directory.mkdir(parents=True)
    others = ["after-20200102T030405Z.db", "before-notes.txt"]
    for name in ("before-20200102T030405Z.db", "before-20200102T030406Z.db.part", *others):
        (directory / name).touch()
    done = run_module("etcd_snapshot", **options)
    (left,) = [path for path in directory.iterdir() if path.name not in others]
    assert str(left) == done["path"] and len(done["removed"]) == 2 and left.stat().st_size == done["size"]
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    status = subprocess.run(
        [str(binary("etcdutl")), "snapshot", "status", str(left), "-w", "json"], capture_output=True, check=True
    )
    assert json.loads(status.stdout)["totalKey"] > 0


def test_a_damaged_snapshot_and_a_full_disk_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(bytes(5_000_000))
    with pytest.raises(HardwayError, match="fails its own checksum"):
        snapshot.verified(path)
    with pytest.raises(HardwayError, match="MiB needed for a snapshot of etcd"):
        snapshot.check_room(tmp_path / "none" / "below", 1 << 60)


def test_without_a_healthy_member_nothing_is_written(tmp_path: Path, etcd: RealEtcd, run_module: Run) -> None:
    options = {**etcd.arguments(), "etcdctl": str(binary("etcdctl")), "directory": str(tmp_path / "none"), "timeout": 0}
    failed = run_module("etcd_snapshot", **{**options, "endpoints": ["https://127.0.0.1:1"]})
    assert failed["failed"] and "no voter is healthy" in failed["msg"] and not (tmp_path / "none").exists()
