# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets past the peer port of a real etcd that runs as role etcd says. There, users and roles count for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.api.programs import binary
from integration.rehearsal.test_etcd_faults import Member

pytestmark = [pytest.mark.slow]

PLACES = ["/members", "/raft", "/raft/stream/message/1", "/version"]


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """Return a member of its own cluster, with a client as flannel has it."""
    if binary("etcd") is None:
        pytest.skip("no etcd at hand, and none to be had from Debian")
    made = Member(tmp_path_factory.mktemp("etcd"))
    made.ca.issue("flannel", "flannel")
    made.ca.issue("liar", "m1", hosts=["127.0.0.1", "localhost"])
    assert made.look("nothing") == ""
    yield made
    made.programs.stop_all()


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("who", ["flannel", "healthcheck-client", "server", "liar", ""])
def test_no_client_gets_past_the_peer_port(member: Member, who: str, path: str) -> None:
    """Not even one whose certificate has a member's name: it is of another CA."""
    assert not member.serves(member.peer_url + path, who, member.peers)
    assert not member.serves(member.peer_url + path, who, member.peers, method="POST")
    assert "tls" in member.problem.lower() or "certificate" in member.problem.lower(), member.problem


def test_a_member_does(member: Member) -> None:
    """So the port answers at all."""
    assert member.serves(f"{member.peer_url}/members", "peer", member.peers)


def test_a_peer_is_no_client(member: Member) -> None:
    """Nor the other way round."""
    assert member.answers("healthcheck-client") and not member.answers("peer")


def test_one_ca_for_both_lets_every_client_in(tmp_path: Path, member: Member) -> None:
    """What this is for: as it was before, flannel's certificate is served on the peer port."""
    if binary("etcd") is None:
        pytest.skip("no etcd at hand, and none to be had from Debian")
    shared = Member(tmp_path)
    trusted = f"--peer-trusted-ca-file={shared.ca.ca}"
    shared.arguments = [trusted if a.startswith("--peer-trusted-ca-file=") else a for a in shared.arguments]
    shared.ca.issue("flannel", "flannel")
    try:
        assert shared.look("nothing") == ""
        assert shared.serves(f"{shared.peer_url}/members", "flannel", shared.peers)
    finally:
        shared.programs.stop_all()
