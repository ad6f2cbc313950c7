# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of what clients saw."""

from __future__ import annotations

import json
from pathlib import Path

from dev.tools import client_report

SEEN = {"requests": 900, "failures": 0, "retried": 2, "reasons": {"HTTP 429": 2}}


def test_figures_of_each_test_are_kept_and_replaced_by_a_later_run(tmp_path: Path) -> None:
    directory = tmp_path / "reports"
    assert client_report.since(0, directory) == ""
    client_report.record("renewal", {**SEEN, "requests": 1}, directory=directory)
    client_report.record("a third master", SEEN, "by hand", directory=directory)
    client_report.record("renewal", SEEN, directory=directory)
    known = json.loads((directory / "live.json").read_text())
    assert [known[what]["requests"] for what in ("renewal", "a third master")] == [900, 900]
    heading, line, first, second = (directory / "live.md").read_text().splitlines()
    assert heading.count("|") == line.count("|") == first.count("|") == second.count("|")
    assert first.startswith("| renewal | 900 | 0 | 2 |") and "| 2 HTTP 429 |" in first
    assert second.startswith("| a third master | 900 |") and "| by hand |" in second


def test_the_report_of_an_earlier_run_is_not_shown(tmp_path: Path) -> None:
    client_report.record("renewal", SEEN, directory=tmp_path)
    written = (tmp_path / "live.md").stat().st_mtime
    assert "renewal" in client_report.since(written - 1, tmp_path)
    assert client_report.since(written + 1, tmp_path) == ""
