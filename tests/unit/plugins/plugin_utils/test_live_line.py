# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that is drawn again and again does not mix with what else is printed."""

from __future__ import annotations

import io

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._live_line import ERASE, LiveLine, cut


class Terminal(io.StringIO):
    """A stream whose methods can be replaced, as those of a terminal."""


def visible(written: str) -> list[str]:
    """Return the lines that a terminal shows."""
    return [line.rpartition("\r\x1b[K")[2] for line in written.split("\n")]


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the width of the terminal."""
    monkeypatch.setenv("COLUMNS", "20")


@pytest.mark.usefixtures("columns")
def test_other_output_takes_the_place_of_the_line() -> None:
    out = Terminal()
    line = LiveLine(out)
    line.draw("waiting")
    out.write("printed\n")
    line.draw("waiting")
    assert visible(out.getvalue()) == ["printed", "waiting"]
    line.close()
    out.write("later\n")
    assert visible(out.getvalue()) == ["printed", "later", ""]
    assert out.getvalue().endswith(f"{ERASE}later\n")


@pytest.mark.usefixtures("columns")
def test_nothing_is_drawn_over_a_question() -> None:
    out = Terminal()
    line = LiveLine(out)
    out.write("Password: ")
    line.draw("waiting")
    assert visible(out.getvalue()) == ["Password: "]


@pytest.mark.usefixtures("columns")
def test_the_same_line_is_drawn_once() -> None:
    out = Terminal()
    line = LiveLine(out)
    line.draw("waiting")
    line.draw("waiting")
    assert out.getvalue() == f"{ERASE}waiting"


@pytest.mark.usefixtures("columns")
def test_a_line_is_never_wider_than_the_terminal() -> None:
    out = Terminal()
    LiveLine(out).draw("x" * 100)
    assert out.getvalue() == f"{ERASE}{'x' * 18}…"


def test_wide_and_control_characters_are_counted() -> None:
    assert cut("one\ntwo\x1b[31m", 20) == "one two [31m"
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut("exact", 5) == "exact"
