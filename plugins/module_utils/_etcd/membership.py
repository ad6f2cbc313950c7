# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which changes of the membership of etcd are safe. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.members import hex_id


@dataclass(frozen=True)
class Member:
    """One member, from the member list and from its own answer."""

    id: str
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...] = ()
    learner: bool = False
    healthy: bool = False
    # Where it has answered.
    endpoint: str = ""
    error: str = ""

    @property
    def started(self) -> bool:
        """Return whether it has ever been part of the cluster: only then it has published its client URLs."""
        return bool(self.client_urls)

    def __str__(self) -> str:
        """Return how texts name it: a member that has never started has no name."""
        return f"{self.name or self.peer_urls[0]} ({self.id})"


def quorum(voters: int) -> int:
    """Return how many of these voters must be healthy."""
    return voters // 2 + 1


def joined(listed: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> list[Member]:
    """Return the members of etcdctl's list with the answers of their endpoints, which are matched by ID."""
    by_id = {answer["id"]: answer for answer in answers if answer["id"]}
    found = []
    for entry in listed:
        number = hex_id(entry["ID"])
        answer = by_id.get(number, {})
        found.append(
            Member(
                id=number,
                name=entry.get("name", ""),
                peer_urls=tuple(entry.get("peerURLs", [])),
                client_urls=tuple(entry.get("clientURLs", [])),
                learner=bool(entry.get("isLearner", False)),
                healthy=bool(answer.get("healthy", False)),
                endpoint=answer.get("endpoint", ""),
                error=answer.get("error", ""),
            )
        )
    return found


def find(members: Sequence[Member], *, name: str = "", peer_url: str = "", number: str = "") -> Optional[Member]:
    """Return the member with exactly this ID, peer URL or name; raise if two of them name different members."""
    if number:
        wanted = number.lower().removeprefix("0x").lstrip("0")
        found = [member for member in members if member.id == wanted]
    elif peer_url:
        found = [member for member in members if peer_url in member.peer_urls]
    else:
        found = [member for member in members if member.name == name]
    if len(found) > 1:
        raise HardwayError(f"etcd member {name or peer_url}: {len(found)} members match; give its ID as id")
    if found:
        (member,) = found
        if name and member.name and member.name != name:
            raise HardwayError(f"etcd member {name}: {number or peer_url} is member {member}; correct name or address")
        if number and peer_url and peer_url not in member.peer_urls:
            raise HardwayError(f"etcd member {number}: its peer URL is {member.peer_urls[0]}; correct peer_url or id")
        return member
    same = [member for member in members if name and member.name == name]
    if same and not number:
        raise HardwayError(
            f"etcd member {name}: has the peer URL {same[0].peer_urls[0]}, not {peer_url}; correct its address, or "
            f"remove the member with id {same[0].id} first"
        )
    return None


def voters(members: Sequence[Member]) -> list[Member]:
    """Return the members that vote."""
    return [member for member in members if not member.learner]


def counted(members: Sequence[Member]) -> str:
    """Return the counts for a message, with every voter that is not healthy."""
    all_voters = voters(members)
    down = [f"{member}: {member.error or 'unresponsive'}" for member in all_voters if not member.healthy]
    text = f"{len(all_voters) - len(down)} of {len(all_voters)} voters are healthy"
    return text + (f" ({'; '.join(down)})" if down else "")


def why_not_now(members: Sequence[Member]) -> str:
    """Return why no change is safe: without a quorum there is nothing to change; empty otherwise."""
    all_voters = voters(members)
    if sum(member.healthy for member in all_voters) >= quorum(len(all_voters)):
        return ""
    return f"{counted(members)}, {quorum(len(all_voters))} are needed; start etcd there, or restore a backup"


def why_not_add(members: Sequence[Member]) -> str:
    """Return why no voter can be added, empty if one can; the added one counts as healthy, as it is before it votes."""
    if reason := why_not_now(members):
        return reason
    after = len(voters(members)) + 1
    healthy = sum(member.healthy for member in voters(members)) + 1
    if healthy >= quorum(after):
        return ""
    return f"{counted(members)}; with one more voter, {quorum(after)} of {after} must be; start etcd there first"


def why_not_remove(members: Sequence[Member], target: Member) -> str:
    """Return why this member cannot be removed, empty if it can: the voters that stay must have a quorum."""
    if reason := why_not_now(members):
        return reason
    if target.learner:
        return ""
    left = [member for member in voters(members) if member.id != target.id]
    if not left:
        return "it is the last voter; a cluster is not removed member by member"
    healthy = sum(member.healthy for member in left)
    if healthy >= quorum(len(left)):
        return ""
    return (
        f"without it, {healthy} of {len(left)} voters are healthy, {quorum(len(left))} are needed; "
        f"fix the others first ({counted(left)})"
    )


def why_not_update(members: Sequence[Member], target: Member) -> str:
    """Return why this member's peer URL cannot change, empty if it can: until its restart, the others lack it."""
    all_voters = voters(members)
    reason = why_not_now(members)
    if reason or target.learner or [member.id for member in all_voters] == [target.id]:
        return reason
    others = sum(member.healthy for member in all_voters if member.id != target.id)
    if others >= quorum(len(all_voters)):
        return ""
    return f"the others have no quorum while it restarts: {counted(members)}; start etcd there, or add a member first"


def other_learner(members: Sequence[Member], target: Optional[Member] = None) -> Optional[Member]:
    """Return the learner that must be promoted or removed before another one is added: etcd accepts one."""
    return next((member for member in members if member.learner and (target is None or member.id != target.id)), None)


def next_leader(members: Sequence[Member], leaving: Member) -> Optional[Member]:
    """Return who leads when this member leaves."""
    return next((member for member in voters(members) if member.healthy and member.id != leaving.id), None)
