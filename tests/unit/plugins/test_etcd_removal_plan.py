# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plans of replace and remove_member say."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.filter.etcd_removal_plan import etcd_removal_plan


def result(healthy: bool = False, learner: bool = False, leader: str = "", **member: Any) -> dict[str, Any]:
    """Return a result of etcd_member in check mode."""
    found = {"id": "8e9e", "healthy": healthy, "learner": learner, **member}
    return {"member": found, "leader_moved_to": leader, "counted": "2 of 3 voters are healthy"}


def texts(*arguments: Any, **options: Any) -> list[str]:
    """Return the lines of a plan."""
    return [step["text"] for step in etcd_removal_plan(*arguments, **options)]


def test_a_dead_voter_is_replaced() -> None:
    assert texts([result()], ["m3"], ["/var/lib/etcd", "/var/lib/etcd"], successors={"m3": "m3"}) == [
        "m3: remove the dead voter 8e9e; stop etcd, move the data in /var/lib/etcd aside; add it as a learner, "
        "start it, promote it (now 2 of 3 voters are healthy)"
    ]


def test_a_leader_on_a_host_that_is_gone_and_a_member_that_is_gone() -> None:
    gone = {**result(), "member": {}}
    first, second = texts([result(True, leader="m1"), gone], ["m3", "m4"], ["/data", "/wal"], ["m3"])
    assert first.startswith("m3: m1 becomes the leader; remove the healthy voter 8e9e; the host is unreachable: it")
    assert second.startswith("m4: not in the member list any more; stop etcd, move the data in /data and /wal aside (")


def test_a_lost_host_must_stay_off_and_another_one_is_added() -> None:
    (step,) = etcd_removal_plan([result()], ["m3"], ["/data"], lost=["m3"], successors={"m3": "m3b"})
    assert "the host is lost and never contacted: it must stay off; add m3b as a learner" in step["text"]
    assert (step["state"], step["added"], step["member"]["id"]) == ("lost", "m3b", "8e9e")
