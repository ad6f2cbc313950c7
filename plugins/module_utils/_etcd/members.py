# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the answers of etcd members. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Optional

ALARMS = {1: "NOSPACE", 2: "CORRUPT", "1": "NOSPACE", "2": "CORRUPT"}


def hex_id(number: Any) -> str:
    """Return a member's number as etcdctl prints it."""
    return f"{int(number):x}"


def status_of_gateway(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the plain status from the gateway's answer, where large numbers are strings."""
    header = answer.get("header", {})
    return {
        "id": hex_id(header.get("member_id", 0)),
        "leader": hex_id(answer.get("leader", 0)),
        "version": answer.get("version", ""),
        "revision": int(header.get("revision", 0)),
        "raft_index": int(answer.get("raftIndex", 0)),
        "raft_applied_index": int(answer.get("raftAppliedIndex", 0)),
        "db_size": int(answer.get("dbSize", 0)),
        "db_size_in_use": int(answer.get("dbSizeInUse", 0)),
        "learner": bool(answer.get("isLearner", False)),
        "errors": list(answer.get("errors", [])),
    }


def status_of_metrics(text: str) -> dict[str, Any]:
    """Return the same from the Prometheus page; the leader is known only where it is the member itself."""

    def number(name: str) -> float:
        found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def label(name: str, key: str) -> str:
        found = re.search(rf'^{name}{{[^}}]*{key}="([^"]*)"', text, re.MULTILINE)
        return found.group(1) if found else ""

    own = label("etcd_server_id", "server_id")
    leader = own if number("etcd_server_is_leader") else ("?" if number("etcd_server_has_leader") else "0")
    return {
        "id": own,
        "leader": leader,
        "version": label("etcd_server_version", "server_version"),
        "revision": int(number("etcd_debugging_mvcc_current_revision")),
        "raft_index": int(number("etcd_server_proposals_committed_total")),
        "raft_applied_index": int(number("etcd_server_proposals_applied_total")),
        "db_size": int(number("etcd_mvcc_db_total_size_in_bytes")),
        "db_size_in_use": int(number("etcd_mvcc_db_total_size_in_use_in_bytes")),
        "learner": bool(number("etcd_server_is_learner")),
        "errors": [],
    }


def assemble(answers: Sequence[dict[str, Any]], listed: dict[str, Any]) -> dict[str, Any]:
    """Return the cluster's state as plain data: members, leaders (ids), alarms, errors."""
    known = {hex_id(member["ID"]): member for member in listed["members"]}
    members = []
    for answer in answers:
        number = answer["status"].get("id") or _number_of(answer["endpoint"], known)
        member = known.pop(number, {})
        members.append(_member(member, answer["status"], answer["endpoint"], answer["healthy"], answer["error"]))
    # Members that no endpoint stands for: the cluster knows them, the caller did not ask them.
    members += [_member(member, {"id": number}, "", False, "") for number, member in known.items()]
    names = {member["id"]: member["name"] for member in members}
    leaders = sorted({m["leader"] for m in members if m["leader"] not in ("0", "?", "")})
    return {
        "members": members,
        "leaders": leaders,
        "leader": (names.get(leaders[0]) or leaders[0]) if len(leaders) == 1 else "",
        "listed": bool(listed["members"]),
        "alarms": [
            f"{ALARMS.get(alarm.get('alarm'), alarm.get('alarm'))} on "
            + (names.get(hex_id(alarm.get("memberID", 0))) or hex_id(alarm.get("memberID", 0)))
            for alarm in listed["alarms"]
        ],
        "errors": list(listed["errors"]),
    }


def _number_of(endpoint: str, known: dict[str, dict[str, Any]]) -> str:
    """Return the member that advertises this endpoint, for one that does not answer."""
    return next((number for number, member in known.items() if endpoint in member.get("clientURLs", [])), "")


def _member(
    member: dict[str, Any], status: dict[str, Any], endpoint: str, healthy: bool, error: Optional[str]
) -> dict[str, Any]:
    """Return one member's line of the state."""
    return {
        "name": member.get("name", ""),
        "endpoint": endpoint,
        "healthy": healthy,
        "error": error or "; ".join(status.get("errors", [])),
        "client_urls": member.get("clientURLs", []),
        "peer_urls": member.get("peerURLs", []),
        "id": status.get("id") or (hex_id(member["ID"]) if member else ""),
        "leader": status.get("leader", ""),
        "version": status.get("version", ""),
        "revision": status.get("revision", 0),
        "raft_index": status.get("raft_index", 0),
        "db_size": status.get("db_size", 0),
        "db_size_in_use": status.get("db_size_in_use", 0),
        "learner": status.get("learner", False) or member.get("isLearner", False),
    }


def problems(state: dict[str, Any], expected: Sequence[str] = (), behind: int = 0) -> list[str]:
    """Return all problems of the cluster; revisions below ``behind`` are lagging."""
    found = []
    asked = [member for member in state["members"] if member["endpoint"]]
    for member in asked:
        who = f"etcd {member['name'] or member['endpoint']} ({member['endpoint']})"
        if not member["healthy"]:
            found.append(f"{who}: unhealthy: {member['error'] or 'it does not say why'}")
        elif member["error"]:
            found.append(f"{who}: {member['error']}")
        if member["healthy"] and member["learner"]:
            found.append(f"{who}: is still a learner; promote it, or wait until it has caught up")
        if member["healthy"] and member["revision"] < behind:
            found.append(f"{who}: revision {member['revision']} is behind {behind}")
    if len(state["leaders"]) != 1 and any(member["version"] for member in asked):
        found.append(f"etcd: {len(state['leaders'])} leaders are named, one is needed: {', '.join(state['leaders'])}")
    found += [f"etcd: alarm {alarm}; fix the cause, then disarm it" for alarm in state["alarms"]]
    return found + _membership(state, expected)


def _membership(state: dict[str, Any], expected: Sequence[str]) -> list[str]:
    """Return how the member list differs from the expected names; nothing where it could not be read."""
    if not state["listed"]:
        return []
    names = {member["name"] for member in state["members"] if member["name"]}
    found = [f"etcd: member {name} is missing from the member list" for name in expected if name not in names]
    if expected:
        found += [f"etcd: member {name} is not expected; remove it" for name in sorted(names - set(expected))]
    else:
        found += [
            f"etcd: member {member['name'] or member['id']} is not among the queried endpoints"
            for member in state["members"]
            if not member["endpoint"]
        ]
    return found


def highest_revision(state: dict[str, Any]) -> int:
    """Return the newest revision that any healthy member has; the next look is compared with it."""
    return max((member["revision"] for member in state["members"] if member["healthy"]), default=0)
