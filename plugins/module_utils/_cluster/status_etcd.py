# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the state of etcd for the status of a cluster. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import (
    Finding,
    State,
    one_line,
    shown_size,
)


def findings(state: State) -> Iterator[Finding]:
    """Yield all problems of etcd."""
    if not state.group("etcd"):
        return
    if not state.members:
        reason = "not inspected, because no host was reached that can query it"
        yield Finding("critical", "etcd", "etcd", reason, "bring a control-plane or an etcd host back")
        return
    yield from _quorum(state)
    etcd = state.cluster["etcd"]
    if len(etcd["leaders"]) > 1:
        reason = f"its members name {len(etcd['leaders'])} leaders"
        yield Finding("critical", "etcd", "etcd", reason, "check the connections between its members (port 2380)")
    for alarm in etcd["alarms"]:
        remedy = "fix the cause, then run etcdctl alarm disarm"
        if alarm.startswith("NOSPACE"):
            remedy = "run defragment.yml, which also disarms the alarm; until then it rejects writes"
        yield Finding("critical", "etcd", "etcd", f"alarm {alarm}", remedy)
    yield from _members(state)
    if etcd["listed"]:
        yield from _inventory(state)


def _quorum(state: State) -> Iterator[Finding]:
    """Yield how many losses etcd survives, if fewer than it was built for; and each member that does not serve."""
    healthy, voters, quorum = state.healthy_voters, len(state.voters), state.quorum
    lost = [member for member in state.voters if not member["healthy"]]
    if healthy < quorum:
        # Without a quorum no member is healthy, also those that run.
        running = [member for member in state.voters if member["version"]]
        lost = [member for member in lost if not member["version"]]
        reason = f"no quorum: {len(running)} of {voters} members run, it needs {quorum}, so no write succeeds"
        remedy = f"bring {_names(state, lost)} back; do not remove a member now"
        if len(running) >= quorum:
            reason = f"no leader, although {len(running)} of {voters} members run, so no write succeeds"
            remedy = "check the connections between its members (port 2380), and journalctl -u etcd"
        yield Finding("critical", "etcd", "etcd", reason, remedy)
    elif lost and healthy == quorum:
        reason = f"{healthy} of {voters} members are healthy, so the next loss stops it"
        yield Finding("critical", "etcd", "etcd", reason, f"bring {_names(state, lost)} back")
    hosts = {one["name"]: one["host"] for one in state.group("etcd")}
    for member in lost:
        name = state.member_name(member)
        host = hosts.get(name, "")
        if state.lost_parts(host):
            continue
        reason = state.unit_error(host, "etcd").removeprefix("it is ") or one_line(member["error"] or "not healthy")
        yield Finding("warning", "etcd", f"etcd member {name}", reason, f"run journalctl -u etcd on {name}")


def _names(state: State, members: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(map(state.member_name, members))


def _members(state: State) -> Iterator[Finding]:
    """Yield learners, members that lag, and those that run out of space."""
    index = max((member["raft_index"] for member in state.members), default=0)
    versions = sorted({member["version"] for member in state.members if member["version"]})
    for member in state.members:
        name = f"etcd member {state.member_name(member)}"
        if member["learner"]:
            remedy = "promote it when it has caught up, or remove it"
            yield Finding("warning", "etcd", name, "still a learner, without a vote", remedy)
        if member["version"] and index - member["raft_index"] > state.limits.raft_lag:
            reason = f"{index - member['raft_index']} raft entries behind"
            yield Finding("warning", "etcd", name, reason, "check its disk and its network")
        share = member["db_size"] / member["quota"] if member["quota"] else 0.0
        if share >= state.limits.quota_warning:
            severity = "critical" if share >= state.limits.quota_critical else "warning"
            reason = f"database has {shown_size(member['db_size'])}, {share:.0%} of its quota"
            in_use = member["db_size_in_use"] / member["db_size"] if member["db_size"] else 1.0
            remedy = "defragment it" if in_use < 0.6 else "raise quota-backend-bytes in etcd_config, or delete objects"
            yield Finding(severity, "etcd", name, reason, remedy)
    if len(versions) > 1:
        yield Finding(
            "warning", "etcd", "etcd", f"members run {' and '.join(versions)}", "complete the upgrade: run site.yml"
        )


def _inventory(state: State) -> Iterator[Finding]:
    """Yield how the member list differs from the inventory."""
    expected = {one["name"] for one in state.group("etcd")}
    known = {member["name"] or member["id"] for member in state.members if member["name"] or not member["endpoint"]}
    for name in sorted(expected - known):
        remedy = "run site.yml if it was never deployed, or remove it from the inventory"
        yield Finding("warning", "etcd", f"etcd member {name}", "in the inventory, but not in the member list", remedy)
    for name in sorted(known - expected):
        remedy = "add it to the inventory, or run remove_member.yml"
        yield Finding("warning", "etcd", f"etcd member {name}", "in the member list, but not in the inventory", remedy)
