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
    ],
)
def test_lost_hosts_are_in_no_play(variables: dict[str, object], names: tuple[str, ...], pattern: str) -> None:
    assert group_pattern(variables, {"etcd": "prod_etcd"}, *names) == pattern
