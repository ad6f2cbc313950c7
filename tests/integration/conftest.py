# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are collected once, before the workers start."""

from __future__ import annotations

import pytest

from dev.tools.lab import available_programs


def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect the programs."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        available_programs()
