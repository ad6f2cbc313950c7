# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the API by stand-ins, and by the real programs where they are available; tests run against each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.api.kinds import directory, kinds
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import binary


@pytest.fixture(scope="session", params=kinds())
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKubernetes]:
    """Start etcd, API and controller-manager of a kind."""
    place = directory(request.param)
    if binary("etcd", place) is None:
        pytest.skip("no etcd available, not even from Debian")
    made = RealKubernetes(tmp_path_factory.mktemp(request.param), place)
    try:
        made.start()
        yield made
    finally:
        made.stop()
