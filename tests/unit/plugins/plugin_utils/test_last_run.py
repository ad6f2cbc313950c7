# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the last run took is known for the same run only, and never wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._last_run import LastRun, resolved


def test_what_was_written_is_read_by_the_same_run_only(tmp_path: Path) -> None:
    LastRun(tmp_path / "new", "site.yml", ["inventory"]).write(12.34, {"1.1": 3.21})
    again = LastRun(tmp_path / "new", "site.yml", ["inventory"])
    assert (again.seconds, again.phases) == (12.3, {"1.1": 3.2})
    other = LastRun(tmp_path / "new", "site.yml", ["other"])
    assert (other.seconds, other.phases) == (None, {})
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"seconds": 1, "phases": {"1.1": "x"}}', '{"seconds": null, "phases": {}}']
)
def test_a_damaged_file_says_nothing(tmp_path: Path, content: str) -> None:
    LastRun(tmp_path, "site.yml").write(1.0, {})
    (found,) = tmp_path.iterdir()
    found.write_text(content)
    read = LastRun(tmp_path, "site.yml")
    assert (read.seconds, read.phases) == (None, {})


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    LastRun(tmp_path / "file", "site.yml").write(1.0, {})


def test_an_inventory_is_the_same_by_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inventory").touch()
    monkeypatch.chdir(tmp_path)
    assert resolved(["n1,", "inventory"]) == sorted(["n1,", str(tmp_path / "inventory")])
