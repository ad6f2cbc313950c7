# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A highly available cluster on three sandbox hosts, deployed once for all tests of this directory."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.cluster.cluster import Cluster
from tools.lab import require_binaries


def need_hosts_and_binaries() -> None:
    """Skip, saying why, where no cluster can be had."""
    if os.geteuid() != 0:
        pytest.skip("sandbox hosts need root")
    if reason := require_binaries():
        pytest.skip(f"no cluster without the Kubernetes binaries:\n{reason}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a deployed cluster; its hosts are removed at the end."""
    need_hosts_and_binaries()
    made = Cluster("e2e")
    made.down()
    made.up(3)
    try:
        made.deploy()
        yield made
    finally:
        made.down()


@pytest.fixture
def hosts() -> Iterator[Cluster]:
    """Return three hosts on which nothing was deployed yet."""
    need_hosts_and_binaries()
    made = Cluster("e2e-fresh")
    made.down()
    made.up(3)
    try:
        yield made
    finally:
        made.down()
