# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that runs tasks for the whole cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "m2": "192.0.2.2", "m3": "192.0.2.3"}
ANSWERED: dict[str, Any] = {"_cluster_preflight": {}}
UNRESPONSIVE: dict[str, Any] = {"_cluster_preflight": {"unreachable": True}}
WELL: dict[str, Any] = {**ANSWERED, "_master_ran": {"units": {}, "failed": False}}
FAILED: dict[str, Any] = {**ANSWERED, "_master_ran": {"units": {}, "failed": True, "msg": "not healthy"}}
LOST: dict[str, Any] = {**ANSWERED, "_master_ran": {"unreachable": True, "msg": "no route"}}


@pytest.mark.parametrize(
    ("known", "host"),
    [
        ([{}, {}, {}], "m1"),
        ([ANSWERED, ANSWERED, ANSWERED], "m1"),
        ([UNRESPONSIVE, ANSWERED, ANSWERED], "m2"),
        # Not in the limit: not queried.
        ([{}, ANSWERED, ANSWERED], "m2"),
        ([ANSWERED, WELL, WELL], "m2"),
        ([FAILED, LOST, WELL], "m3"),
        ([LOST, FAILED, ANSWERED], "m1"),
    ],
)
def test_any_master_that_answers_is_used(known: list[dict[str, Any]], host: str) -> None:
    hostvars = {name: {"ansible_host": HOSTS[name], **more} for name, more in zip(HOSTS, known)}
    role = Rendered("addons", "m1", HOSTS, {"master": list(HOSTS)}, hostvars=hostvars)
    assert role.value("_cluster_api_host") == host


def test_a_host_without_an_address_has_no_url() -> None:
    hostvars = {"m1": {"ansible_host": "m1.example.org"}, "m2": {"ansible_host": "192.0.2.2"}}
    role = Rendered("addons", "m1", HOSTS, {"master": ["m1", "m2"], "etcd": ["m1", "m2"]}, hostvars=hostvars)
    assert role.value("_cluster_master_urls | list") == ["https://192.0.2.2:6443"]
    assert role.value("_cluster_etcd_endpoints | list") == ["https://192.0.2.2:2379"]
