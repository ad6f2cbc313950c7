# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members may be added and removed, and which member is meant."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import membership
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.membership import Member


def cluster(spelled: str) -> list[Member]:
    """Return members: h is a healthy voter, d a dead one, l a learner that is healthy."""
    return [
        Member(
            id=f"a{number}",
            name=f"m{number}",
            peer_urls=(f"https://192.0.2.{number}:2380",),
            client_urls=(f"https://192.0.2.{number}:2379",),
            learner=kind == "l",
            healthy=kind in "hl",
        )
        for number, kind in enumerate(spelled, 1)
    ]


@pytest.mark.parametrize(
    ("members", "dead", "healthy", "added"),
    [
        # Whether a dead one, a healthy one may be removed, and one may be added; None where there is none.
        ("h", None, False, True),
        ("hh", None, True, True),
        ("hd", False, False, False),
        ("hhh", None, True, True),
        ("dhh", True, False, True),
        ("ddh", False, False, False),
        ("hhhh", None, True, True),
        ("dhhh", True, True, True),
        ("ddhh", False, False, False),
        ("hhhhh", None, True, True),
        ("dhhhh", True, True, True),
        ("ddhhh", True, False, True),
        ("dddhh", False, False, False),
        # Learners have no vote: with them, the same as without.
        ("hl", None, False, True),
        ("dhhl", True, False, True),
        ("hdl", False, False, False),
    ],
)
def test_quorum(members: str, dead: bool | None, healthy: bool, added: bool) -> None:
    found = cluster(members)
    for kind, allowed in (("d", dead), ("h", healthy)):
        target = next((one for one, spelled in zip(found, members) if spelled == kind), None)
        assert (target is None) == (allowed is None)
        if target:
            assert (membership.why_not_remove(found, target) == "") == allowed
    assert (membership.why_not_add(found) == "") == added


def test_a_learner_can_be_removed_whenever_there_is_a_quorum() -> None:
    for spelled, allowed in (("hl", True), ("hhdl", True), ("hdl", False)):
        members = cluster(spelled)
        assert (membership.why_not_remove(members, members[-1]) == "") == allowed


def test_a_refusal_counts_the_voters_and_names_the_dead() -> None:
    reason = membership.why_not_remove(cluster("dhh"), cluster("dhh")[1])
    assert reason.startswith("without it, 1 of 2 voters are healthy, 2 are needed; fix the others first")
    assert "m1 (a1)" in reason and "m3" not in reason
    assert "1 of 3 voters are healthy" in membership.why_not_add(cluster("ddhl"))


def member(name: str, byte: int, number: str) -> Member:
    """Return a voter."""
    return Member(id=number, name=name, peer_urls=(f"https://192.0.2.{byte}:2380",))


ALIKE = [member("m21", 21, "2f1"), member("m2", 2, "2f"), member("m22", 22, "f2"), member("", 3, "3")]


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"name": "m2"}, "2f"),
        ({"name": "m2", "peer_url": "https://192.0.2.2:2380"}, "2f"),
        ({"peer_url": "https://192.0.2.2:2380"}, "2f"),
        ({"number": "0x2F"}, "2f"),
        ({"number": "002f", "name": "m2"}, "2f"),
        # It was added, but has not started.
        ({"name": "m3", "peer_url": "https://192.0.2.3:2380"}, "3"),
        ({"name": "m"}, None),
        ({"number": "2"}, None),
        ({"peer_url": "https://192.0.2.2:238"}, None),
        ({"name": "m4", "peer_url": "https://192.0.2.4:2380"}, None),
    ],
)
def test_members_are_found_by_exact_values(given: dict[str, str], number: str | None) -> None:
    found = membership.find(ALIKE, **given)
    assert (found.id if found else None) == number


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"name": "m2", "peer_url": "https://192.0.2.21:2380"}, r"is member m21 \(2f1\); correct name or address"),
        ({"name": "m2", "peer_url": "https://192.0.2.4:2380"}, "has the peer URL https://192.0.2.2:2380, not"),
        ({"name": "m21", "number": "2f"}, r"2f is member m2 \(2f\)"),
        ({"number": "2f", "peer_url": "https://192.0.2.21:2380"}, "its peer URL is https://192.0.2.2:2380"),
    ],
)
def test_names_and_addresses_of_two_members_are_an_error(given: dict[str, str], reason: str) -> None:
    with pytest.raises(HardwayError, match=reason):
        membership.find(ALIKE, **given)


def test_two_members_of_a_name_need_an_id() -> None:
    with pytest.raises(HardwayError, match="2 members match; give its ID"):
        membership.find([member("m2", 2, "2f"), member("m2", 3, "3f")], name="m2")


def test_answers_are_matched_by_id() -> None:
    listed = [
        {"ID": 47, "name": "m2", "peerURLs": ["https://192.0.2.2:2380"], "clientURLs": ["https://192.0.2.2:2379"]},
        {"ID": 753, "peerURLs": ["https://192.0.2.21:2380"], "isLearner": True},
    ]
    answer = {"id": "2f", "healthy": True, "endpoint": "https://198.51.100.2:2379", "error": ""}
    voter, learner = membership.joined(listed, [answer, {**answer, "id": ""}])
    assert voter.healthy and voter.started and not voter.learner and voter.endpoint == answer["endpoint"]
    assert learner.id == "2f1" and learner.learner and not learner.healthy and not learner.started


def test_a_healthy_voter_leads_next() -> None:
    members = cluster("hdlh")
    found = membership.next_leader(members, members[0])
    assert found and found.name == "m4"
    assert membership.next_leader(cluster("hdl"), cluster("hdl")[0]) is None


@pytest.mark.parametrize(
    ("members", "target", "allowed"),
    [
        ("h", 0, True),
        ("d", 0, False),
        ("hh", 0, False),
        ("hhh", 0, True),
        # Its host has a new address already, so it does not answer.
        ("dhh", 0, True),
        ("hdh", 0, False),
        ("hhhhd", 0, True),
        ("hhhdd", 0, False),
        ("hhl", 2, True),
    ],
)
def test_a_peer_url_changes_while_the_others_have_a_quorum(members: str, target: int, allowed: bool) -> None:
    found = cluster(members)
    assert (membership.why_not_update(found, found[target]) == "") == allowed


def test_a_member_is_the_same_after_its_health_has_changed() -> None:
    earlier, now = cluster("hdd"), cluster("hhd")
    assert "without it, 1 of 2 voters are healthy" in membership.why_not_remove(now, earlier[1])
