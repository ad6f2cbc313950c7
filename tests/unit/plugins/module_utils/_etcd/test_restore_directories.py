# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of restores below one that belongs to etcd: what another user has put there is not used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import restore

STATE = {"id": "a", "kind": "archive", "step": "restored"}


def planted(base: Path, name: str) -> Path:
    """Write the state of a restore."""
    place = base / f"restore-{name}"
    place.mkdir()
    (place / "state.json").write_text(json.dumps({**STATE, "id": name}), encoding="utf-8")
    return place


def test_a_restore_of_this_host_is_found(tmp_path: Path) -> None:
    planted(tmp_path, "a")
    assert [state["id"] for state in restore.Member(str(tmp_path)).restores()] == ["a"]


def test_a_link_to_another_directory_is_no_restore(tmp_path: Path) -> None:
    """Neither read, nor removed, nor replaced."""
    base, elsewhere = tmp_path / "etcd", tmp_path / "elsewhere"
    base.mkdir()
    elsewhere.mkdir()
    kept = planted(elsewhere, "a")
    (base / "restore-a").symlink_to(kept)
    member = restore.Member(str(base))
    assert member.restores() == []
    with pytest.raises(HardwayError, match="restore-a: is not a directory of a restore; remove it"):
        member.prepare(STATE, ["true"], 0, "root")
    assert (kept / "state.json").exists()


def test_a_directory_of_another_user_is_no_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = planted(tmp_path, "a")
    owner = place.stat().st_uid + 1
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result | SimpleNamespace:
        found = real(path)
        return SimpleNamespace(st_mode=found.st_mode, st_uid=owner) if path == place else found

    monkeypatch.setattr(Path, "lstat", lstat)
    assert restore.Member(str(tmp_path)).restores() == []
