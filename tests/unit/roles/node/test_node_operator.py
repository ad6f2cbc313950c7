# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which master the commands of a removal or a replacement run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"k4": "192.0.2.4", "k2": "192.0.2.2", "k3": "192.0.2.3"}
GROUPS = {group: list(HOSTS) for group in ("etcd", "master", "lb", "node")}


@pytest.mark.parametrize(
    ("settings", "operator"),
    [
        ({}, "k4"),
        ({"_node_named_words": ["k4"]}, "k2"),
        ({"_node_named_words": ["k1"], "_cluster_lost": ["k1"], "by": "k4"}, "k2"),
        ({"_node_named_words": ["k1"], "_cluster_lost": ["k1"], "by": "k4,k2"}, "k3"),
        ({"_node_named_words": ["k1"], "_cluster_lost": ["k1"], "by": "k4,k2,k3"}, ""),
    ],
)
def test_it_is_one_that_stays_and_is_not_new(settings: dict[str, Any], operator: str) -> None:
    hostvars = {name: {"ansible_host": address, "_node_ping": {"ping": "pong"}} for name, address in HOSTS.items()}
    words = {"_node_named_words": [], **settings}
    play = {"hostvars": hostvars, "ansible_play_hosts_all": list(HOSTS)}
    hosts = [name for name in words["_node_named_words"] if name in HOSTS]
    role = Rendered("node", "k2", HOSTS, GROUPS, **play, **words, _node_named_hosts=hosts, _node_replaced_hosts=hosts)
    assert role.value("_node_operator") == operator
