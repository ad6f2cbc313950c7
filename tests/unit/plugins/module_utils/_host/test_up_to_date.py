# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the mark of a host says that nothing is to be done there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import up_to_date

VALID: dict[str, dict[str, Any]] = {"files-1": {"paths": {}}, "unit-2": {"units": {}}}


@pytest.fixture
def mark(tmp_path: Path) -> str:
    """Return a mark with two results."""
    path = tmp_path / "hardway" / "up-to-date.json"
    assert up_to_date.write("digest", ["unit-2", "files-1"], VALID, str(path)) == []
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    return str(path)


def test_it_holds_while_all_its_results_are_valid_and_the_same(mark: str) -> None:
    assert up_to_date.inputs(VALID, mark) == "digest"
    assert up_to_date.inputs({**VALID, "files-of-an-older-run": {}}, mark) == "digest"
    assert up_to_date.inputs({"files-1": {"paths": {}}}, mark) == ""
    # As the features of a kernel, which are inspected each time.
    assert up_to_date.inputs({**VALID, "unit-2": {"units": {"a": 1}}}, mark) == ""


@pytest.mark.parametrize("used", [["files-1", "none"], ["files-1", "files-9"], []])
def test_without_evidence_for_all_there_is_no_mark(mark: str, used: list[str]) -> None:
    assert up_to_date.write("digest", used, VALID, mark) == [key for key in used if key not in VALID]
    assert up_to_date.read(mark) == {} and up_to_date.inputs(VALID, mark) == ""


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"inputs": "digest"}', '{"inputs": "digest", "results": 1}'])
def test_a_damaged_mark_is_none(mark: str, damage: str) -> None:
    Path(mark).write_text(damage, encoding="utf-8")
    assert up_to_date.inputs(VALID, mark) == ""


def test_the_same_mark_is_not_written_again(mark: str) -> None:
    before = Path(mark).stat().st_mtime_ns
    up_to_date.write("digest", VALID, VALID, mark)
    assert Path(mark).stat().st_mtime_ns == before
    up_to_date.write("another", VALID, VALID, mark)
    assert up_to_date.inputs(VALID, mark) == "another"
