# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A highly available cluster on three sandbox hosts, deployed once for all tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster
from tests.support.needs import need_cluster


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Return a deployed cluster; its hosts are removed before other directories make theirs."""
    need_cluster()
    made = Cluster("e2e")
    with made.standing(3):
        made.found()
        yield made
