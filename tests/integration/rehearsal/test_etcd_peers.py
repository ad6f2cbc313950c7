# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients pass the peer port of a real etcd with role etcd's settings. There, users and roles have no effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api.etcd_member import Member
from tests.support.api.programs import binary

pytestmark = [pytest.mark.slow, pytest.mark.long]

PLACES = ["/members", "/raft", "/raft/stream/message/1", "/version"]


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """Return a member of its own cluster, with a client like flannel."""
    if binary("etcd") is None:
        pytest.skip("no etcd available, not even from Debian")
    made = Member(tmp_path_factory.mktemp("etcd"))
    made.ca.issue("flannel", "flannel")
    made.ca.issue("liar", "m1", hosts=["127.0.0.1", "localhost"])
    assert made.inspect("nothing") == ""
    yield made
    made.programs.stop_all()


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("who", ["flannel", "healthcheck-client", "server", "liar", ""])
def test_no_client_gets_past_the_peer_port(member: Member, who: str, path: str) -> None:
    """Not even one whose certificate has a member's name: it is of another CA."""
    assert not member.serves(member.peer_url + path, who, member.peers)
    assert not member.serves(member.peer_url + path, who, member.peers, method="POST")
    assert "tls" in member.problem.lower() or "certificate" in member.problem.lower(), member.problem


def test_a_member_gets_past_the_peer_port(member: Member) -> None:
    """So the port answers at all."""
    assert member.serves(f"{member.peer_url}/members", "peer", member.peers)


def test_a_peer_certificate_is_refused_at_the_client_port(member: Member) -> None:
    """The same in the other direction."""
    assert member.answers("healthcheck-client") and not member.answers("peer")


def test_one_ca_for_both_lets_every_client_in(tmp_path: Path, member: Member) -> None:
    """The reason for two CAs: with one, flannel's certificate is accepted on the peer port."""
    if binary("etcd") is None:
        pytest.skip("no etcd available, not even from Debian")
    shared = Member(tmp_path)
    trusted = f"--peer-trusted-ca-file={shared.ca.ca}"
    shared.arguments = [trusted if a.startswith("--peer-trusted-ca-file=") else a for a in shared.arguments]
    shared.ca.issue("flannel", "flannel")
    try:
        assert shared.inspect("nothing") == ""
        assert shared.serves(f"{shared.peer_url}/members", "flannel", shared.peers)
    finally:
        shared.programs.stop_all()
