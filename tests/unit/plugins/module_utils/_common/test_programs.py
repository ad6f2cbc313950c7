# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the host: their input, their end, and that they end."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import call


def test_status_and_both_streams_are_returned() -> None:
    assert call(["sh", "-c", "cat; echo bad >&2; exit 3"], "read\n") == (3, "read\n", "bad\n")
    assert call(["hardway-none"])[0] == 127


def test_a_program_that_does_not_end_is_stopped() -> None:
    assert call(["sleep", "60"], seconds=0.2)[0] == 124
