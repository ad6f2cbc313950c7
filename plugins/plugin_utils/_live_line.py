# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line at the end of a terminal that is drawn again and again, below what else is printed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

from ansible.utils.display import get_text_width

# Back to the first column, and erase the line.
ERASE = "\r\x1b[K"


class LiveLine:
    """The line. Whatever this process prints on the same terminal erases it first, warnings of Ansible included.

    A thread may draw: Ansible holds the lock of both streams while it forks, so no worker inherits one that is held.
    """

    def __init__(self, out: TextIO, *others: TextIO) -> None:
        """Take the stream to draw on, and further ones of the same terminal."""
        self._out = out
        self._write = out.write
        self._streams = (out, *others)
        # The last text had no line feed at its end: a question, which must stay.
        self._unfinished = False
        # What the line says; empty when it was erased.
        self._drawn = ""
        for stream in self._streams:
            stream.write = self._erasing(stream.write)  # type: ignore[method-assign]

    def _erasing(self, write: Callable[[str], int]) -> Callable[[str], int]:
        """Return a function that erases the line, then writes."""

        def write_below(text: str) -> int:
            # In one call: the thread must not draw in between.
            write(text if self._unfinished else ERASE + text)
            self._unfinished = not text.endswith("\n")
            self._drawn = ""
            return len(text)

        return write_below

    def draw(self, text: str) -> None:
        """Draw the line, cut to the width of the terminal."""
        text = cut(text, shutil.get_terminal_size().columns - 1)
        if text != self._drawn and not self._unfinished:
            self._write(ERASE + text)
            self._out.flush()
            self._drawn = text

    def close(self) -> None:
        """Erase the line, and leave the streams as they were."""
        for stream in self._streams:
            del stream.write
        if not self._unfinished:
            self._out.write(ERASE)
            self._out.flush()


def cut(text: str, columns: int) -> str:
    """Return as much of a text, on one line and without control characters, as fits into so many columns."""
    text = "".join(char if char.isprintable() else " " for char in text)
    if get_text_width(text) <= columns:
        return text
    while text and get_text_width(text) >= columns:
        text = text[:-1]
    return text + "…"
