# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixture of tests in which a service's user plants links."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def shadow(tmp_path: Path) -> Path:
    """Return a file of root that the attacker wants."""
    made = tmp_path / "shadow"
    made.write_text("secret")
    made.chmod(0o600)
    return made
