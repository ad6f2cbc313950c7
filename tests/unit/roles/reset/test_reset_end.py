# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook reset shows at its end."""

from __future__ import annotations

from typing import Any

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "w1": "192.0.2.2", "w2": "192.0.2.3"}
GROUPS = {"all": [*HOSTS], "etcd": ["m1"], "master": ["m1"], "node": ["w1", "w2"]}


def end(hosts: str, *finished: str) -> list[str]:
    """Return the lines after a run in which some of the named hosts did not fail."""
    settings: dict[str, Any] = {"hosts": hosts, "ansible_play_hosts": list(finished)}
    named = [*HOSTS] if hosts == "all" else hosts.split(",")
    shown: list[str] = Rendered("reset", "w1", HOSTS, GROUPS, **settings, _reset_named_hosts=named).value("_reset_end")
    return shown[1:-1]


def test_only_hosts_that_were_reset_leave_the_inventory() -> None:
    (taken,) = end("w2,w1", "w1", "w2")
    assert taken.startswith("Take w2, w1 out of the inventory")
    failed, taken = end("w1,w2", "w1")
    assert failed.startswith("w2: failed, and not reset as a whole")
    assert taken.startswith("Take w1 out of the inventory")


def test_a_new_cluster_is_deployed_only_where_all_hosts_were_reset() -> None:
    assert end("all", "m1", "w1", "w2") == ["Run site.yml for a new cluster on these hosts."]
    (failed,) = end("all", "m1", "w1")
    assert failed.startswith("w2: failed")
