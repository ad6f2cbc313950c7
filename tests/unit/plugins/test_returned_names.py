# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No module returns a value under a name by which Ansible takes the task as failed, skipped or unreachable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.repository import REPOSITORY

MODULES = sorted((REPOSITORY / "plugins" / "modules").glob("*.py"))
ANSIBLES = {"failed", "skipped", "unreachable", "rc", "exception", "results"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_returned_names_have_no_meaning_for_ansible(path: Path) -> None:
    found = re.search(r'^RETURN = r?"""(.*?)^"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert not ANSIBLES & set(yaml.safe_load(found[1]) if found else {})
