# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-doc in a terminal of 80 columns: every module, role and filter, no text that is cut or wrapped by it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from dev.tools.lab import TOP, tool

WIDTH = 80
NAMES = {
    "module": sorted(path.stem for path in (TOP / "plugins" / "modules").glob("*.py")),
    "filter": sorted(path.stem for path in (TOP / "plugins" / "filter").glob("*.py")),
    "role": sorted(path.name for path in (TOP / "roles").iterdir() if path.is_dir()),
}
# ansible-doc prints values as they are: a program's words, which have no place to break.
VALUE = re.compile(r"\s*(choices|default|sample):")
KEY = re.compile(r"\s*\w+:")


def shown(kind: str) -> str:
    """Return what ansible-doc prints of all of one kind."""
    command = [tool("ansible-doc"), "-t", kind, *(f"hardway.kubernetes.{name}" for name in NAMES[kind])]
    settings = {"COLUMNS": str(WIDTH), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
    done = subprocess.run(command, cwd=TOP, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "[WARNING]" not in done.stderr, done.stderr
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def texts(page: str) -> Iterator[str]:
    """Yield the lines of text: all but headings with paths, examples, and values."""
    example = value = False
    for line in page.splitlines():
        if line.startswith(("> ", "EXAMPLES:", "OPTIONS", "RETURN VALUES:")):
            example = line.startswith("EXAMPLES:")
        if VALUE.match(line):
            value = True
        elif not line or KEY.match(line):
            value = False
        if not (example or value or line.startswith("> ")):
            yield line


@pytest.mark.parametrize("kind", NAMES)
def test_the_text_fits_in_80_columns(kind: str) -> None:
    page = shown(kind)
    for name in NAMES[kind]:
        assert re.search(rf"^> \w+:? \*?hardway\.kubernetes\.{name}\b", page, re.MULTILINE), name
    # A single word, such as a URL, cannot be broken.
    assert [line for line in texts(page) if len(line) > WIDTH and len(line.split()) > 1] == []


@pytest.mark.parametrize("kind", NAMES)
def test_no_markup_is_left(kind: str) -> None:
    """A misspelt macro stays in the text as it was written."""
    page = "\n".join(texts(shown(kind)))
    assert re.findall(r"\b(?:[A-Z]|RV)\([^)\n]*\)", page) == []
