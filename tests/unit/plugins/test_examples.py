# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples can be copied: they use what they document, and Ansible can read them."""

from __future__ import annotations

import ast
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.support.repository import REPOSITORY

PLUGINS = REPOSITORY / "plugins"
DOCUMENTED = sorted(path for kind in ("modules", "filter") for path in (PLUGINS / kind).glob("[!_]*.py"))


def examples(path: Path) -> str:
    """Return EXAMPLES of a plugin."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES":
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{path}: no EXAMPLES")


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_examples_use_what_they_document(path: Path) -> None:
    text = examples(path)
    assert f"hardway.kubernetes.{path.stem}" in text
    # Raises where an expression is not one.
    for task in yaml.safe_load(text):
        jinja2.Environment(autoescape=False).parse(str(task))
