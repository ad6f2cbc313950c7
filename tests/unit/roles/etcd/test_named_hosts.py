# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order etcd members are replaced and added."""

from __future__ import annotations

from typing import Any

from tests.support.roles.etcd import HOSTS, etcd
from tests.support.roles.rendered import Rendered

NEW = {"m4": "192.0.2.4", "m5": "192.0.2.5", "m6": "192.0.2.6"}


def replace(**settings: Any) -> Any:
    """Return the successor of each host that the playbook replace names."""
    given = {**HOSTS, **NEW}
    groups = {"all": [*given], "etcd": [*given], "old": ["m2", "m1"]}
    return Rendered("etcd", "m1", given, groups, _etcd_replace=True, **settings).value("_etcd_all_successors")


def test_each_host_is_replaced_by_the_one_named_in_its_place() -> None:
    """Also one that is out of the inventory, and hosts named by a group."""
    assert replace(hosts="gone,m3", lost="gone", by="m4,m5") == {"gone": "m4", "m3": "m5"}
    assert replace(hosts="m3, old", by="m4,m5,m6") == {"m3": "m4", "m2": "m5", "m1": "m6"}
    assert replace(hosts="m3,m1") == {"m3": "m3", "m1": "m1"}


def test_an_interrupted_addition_is_completed_first() -> None:
    """etcd refuses another learner until then."""
    found = {"m1": ["formed", "data"], "m2": [], "m3": ["joining"], "m4": [], "m5": ["joining", "data"], "m6": []}
    hosts = {**HOSTS, **NEW}
    hostvars = {
        name: {"ansible_host": address, "inventory_hostname": name, "_host_cached_results": {"found": found[name]}}
        for name, address in hosts.items()
    }
    role = etcd(hosts=hosts, hostvars=hostvars, ansible_play_hosts=[*hosts])
    assert role.value("_etcd_joining_hosts") == ["m3", "m5", "m2", "m4", "m6"]
