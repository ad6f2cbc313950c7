# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a play contacts."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.filter.group_pattern import group_pattern


@pytest.mark.parametrize(
    ("variables", "names", "pattern"),
    [
        ({}, (), "prod_etcd:master:lb:node"),
        ({}, ("etcd", "master"), "prod_etcd:master"),
        ({"lost": "n3"}, ("etcd",), "prod_etcd:!n3"),
        ({"lost": " n3, n4,"}, ("master",), "master:!n3:!n4"),
        ({"lost": ""}, ("node",), "node"),
        ({"lost": "n3", "_cluster_removed": "n4,n5"}, ("node",), "node:!n3:!n4:!n5"),
        ({"lost": "n3", "_cluster_removed": "n3", "_cluster_skipped": "n5"}, ("node",), "node:!n3:!n5"),
        ({"lost": "n3,n4", "_cluster_returning": "n3"}, ("node",), "node:!n4"),
        ({"_cluster_idle": True}, ("node",), "node:!all:!localhost"),
        ({"hostvars": {"localhost": {"_cluster_left": {"hosts": ["w7"]}}}}, ("node",), "node:!w7"),
    ],
)
def test_lost_hosts_are_in_no_play(variables: dict[str, object], names: tuple[str, ...], pattern: str) -> None:
    assert group_pattern(variables, {"etcd": "prod_etcd"}, *names) == pattern


@pytest.mark.parametrize(
    ("names", "deploys", "pattern"),
    [
        ((), False, "m1:w7"),
        (("master",), False, "m1"),
        (("master",), True, "master:!all:!localhost"),
        (("node",), True, "w7"),
        (("lb",), False, "lb:!all:!localhost"),
    ],
)
def test_a_narrowed_run(names: tuple[str, ...], deploys: bool, pattern: str) -> None:
    scope = {"deploys": ["w7", "unknown"], "through": ["m1"]}
    groups = {"prod_etcd": ["m1", "m2"], "master": ["m1", "m2"], "node": ["m2", "w6", "w7"]}
    variables = {"_cluster_scope": scope, "groups": groups}
    assert group_pattern(variables, {"etcd": "prod_etcd"}, *names, deploys=deploys) == pattern
    assert group_pattern({**variables, "lost": "w7"}, {}, "node") == "w7:!w7"


def test_the_hosts_outside_of_a_narrowed_run() -> None:
    groups = {"etcd": ["m1"], "master": ["m1", "m2"], "node": ["m2", "w6", "w7"]}
    hostvars = {host: {"host_firewall": "check" if host == "m2" else "open"} for host in ("m1", "m2", "w6", "w7")}
    variables = {"_cluster_scope": {"deploys": ["w7"], "through": ["m1"]}, "groups": groups, "hostvars": hostvars}
    assert group_pattern(variables, {}, others=True) == "m1:w6"
    assert group_pattern({**variables, "lost": "w6"}, {}, others=True) == "m1:w6:!w6"
    none = "etcd:master:lb:node:!all:!localhost"
    assert group_pattern({"groups": groups, "hostvars": hostvars}, {}, others=True) == none
    assert group_pattern({**variables, "hostvars": {host: {} for host in hostvars}}, {}, others=True) == none


def test_a_scope_without_hosts_of_the_cluster_narrows_nothing() -> None:
    variables = {"_cluster_scope": {"deploys": ["x1"], "through": []}, "groups": {"node": ["w7"]}}
    assert group_pattern(variables, {}) == "etcd:master:lb:node"
    assert group_pattern(variables, {}, "node", deploys=True) == "node:!all:!localhost"


@pytest.mark.parametrize(
    ("names", "plays", "left", "pattern"),
    [
        (("node",), {"deploys": True}, ["w6"], "w7"),
        (("node",), {"deploys": True}, ["w6", "w7"], "node:!all:!localhost"),
        (("etcd",), {"deploys": True}, ["m1", "w6"], "prod_etcd:!all:!localhost"),
        ((), {"checks": True}, ["m1", "w6"], "m1:w7"),
        ((), {"checks": True}, ["m1", "w6", "w7"], "m1"),
        (("node",), {}, ["w6"], "node"),
        (("node",), {"deploys": True}, [], "node"),
    ],
)
def test_hosts_with_nothing_to_do(
    names: tuple[str, ...], plays: dict[str, bool], left: list[str], pattern: str
) -> None:
    groups = {"prod_etcd": ["m1"], "master": ["m1"], "node": ["w6", "w7"]}
    variables = {"hostvars": {"localhost": {"_cluster_up_to_date": left}}, "groups": groups}
    assert group_pattern(variables, {"etcd": "prod_etcd"}, *names, **plays) == pattern
    assert group_pattern({**variables, "lost": "w7"}, {}, "node", deploys=True).endswith(":!w7")
