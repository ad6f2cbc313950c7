# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that waits is shown again and again, until it ends."""

from __future__ import annotations

import threading

import pytest
from ansible.utils.display import Display
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _waiting


def test_the_task_is_shown_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    twice = threading.Event()

    def display(_self: Display, line: str) -> None:
        shown.append(line)
        if len(shown) == 2:
            twice.set()

    monkeypatch.setattr(Display, "display", display)
    with pytest.raises(ValueError, match="lost"), _waiting.shown_while_waiting("m3", "Promote the learner", 0.01):
        assert twice.wait(60)
        raise ValueError("lost")
    assert all(line.startswith("waiting: [m3] Promote the learner: for ") for line in shown)
