# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs the contract is tested with, and where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.tools.lab import kubernetes_version
from tests.support.api import kinds


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide real programs where the environment says."""
    path = tmp_path / kubernetes_version() / "kube-apiserver"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setenv("HARDWAY_BINARY_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "wanted"), [("1", ["stand-in"]), ("0", ["stand-in", "real"]), ("", ["stand-in", "real"])]
)
def test_a_requested_rehearsal_uses_only_stand_ins(
    real: Path, monkeypatch: pytest.MonkeyPatch, asked: str, wanted: list[str]
) -> None:
    monkeypatch.setenv("HARDWAY_REHEARSAL", asked)
    assert kinds.kinds() == wanted


def test_real_programs_are_those_of_the_environment(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "available_programs", lambda: None)
    kinds.directory.cache_clear()
    try:
        assert kinds.directory("real") == real
    finally:
        kinds.directory.cache_clear()


def test_programs_are_collected_and_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(kinds, "available_programs", lambda: calls.append("collected"))
    kinds.directory.cache_clear()
    try:
        assert {kinds.directory("real") for _ in range(3)} and calls == ["collected"]
    finally:
        kinds.directory.cache_clear()
