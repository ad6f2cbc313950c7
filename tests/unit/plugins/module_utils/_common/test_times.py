# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times are shown in UTC, whatever the zone of the host."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import times


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("moment", [datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc), 1e9, 10**9])
def test_a_time(moment: datetime | float) -> None:
    assert times.stamp(moment) == "2001-09-09T01:46:40Z"


def test_a_time_in_a_name() -> None:
    found = times.name_stamp()
    assert re.fullmatch(r"\d{8}T\d{6}Z", found)
    read = datetime.strptime(found, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    # Not in another zone.
    assert abs(read - time.time()) < 3600
