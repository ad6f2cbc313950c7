# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When it is useless to wait for a unit."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.failure import Watch, why_waiting_is_useless


@pytest.mark.parametrize(
    ("active", "restarts", "word"),
    [
        ("active", 9, ""),
        ("activating", 4, ""),
        ("activating", 6, "failed 3 times in a row"),
        ("failed", 3, "failed (exit-code)"),
        ("deactivating", 9, ""),
    ],
)
def test_the_wait_ends_when_a_unit_failed_permanently_or_repeatedly(active: str, restarts: int, word: str) -> None:
    """Three restarts before the wait do not count."""
    seen = {"ActiveState": active, "Result": "exit-code", "NRestarts": str(restarts)}
    assert why_waiting_is_useless(seen, 3).startswith(word) and bool(why_waiting_is_useless(seen, 3)) == bool(word)


def test_the_reason_has_the_last_lines_and_no_secret() -> None:
    """Restarts of before the wait do not count."""
    answers = iter(["ActiveState=activating\nNRestarts=7\n", "ActiveState=failed\nResult=exit-code\nNRestarts=8\n"])

    def run(command: list[str]) -> tuple[int, str, str]:
        return (0, next(answers), "") if command[0] == "systemctl" else (0, "token: abc\netcd-start: no\n", "")

    watch = Watch(run, "etcd")
    assert watch.reason() == ""
    assert watch.reason().startswith("etcd failed (exit-code). Its last lines")
