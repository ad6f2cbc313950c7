# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra variable confirm is all that reset and restore need to go on, as with other operations."""

from __future__ import annotations

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1"}
GROUPS = {"all": ["m1"], "etcd": ["m1"], "master": ["m1"], "node": []}


@pytest.mark.parametrize("role", ["reset", "restore"])
@pytest.mark.parametrize(("given", "confirmed"), [({}, False), ({"confirm": ""}, False), ({"confirm": "prod"}, True)])
def test_confirmation(role: str, given: dict[str, str], confirmed: bool) -> None:
    rendered = Rendered(role, "m1", HOSTS, GROUPS, cluster_name="prod", **given)
    assert rendered.value(f"_{role}_confirmed") is confirmed
