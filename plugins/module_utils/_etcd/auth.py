# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which commands configure users and roles of etcd. No I/O."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MODES = ("read", "write", "readwrite")
Permission = tuple[str, str, str]


@dataclass
class Access:
    """Permissions (mode, first key, end) of roles, and roles of users."""

    roles: dict[str, set[Permission]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    enabled: bool = False


def range_end(prefix: str) -> str:
    """Return the first key after all keys that begin with the prefix, as etcd computes it."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def wanted(roles: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]], enabled: bool) -> Access:
    """Return the wanted access from a module's parameters, always with user root."""
    access = Access(enabled=enabled)
    for role in roles:
        permissions = role.get("permissions") or []
        access.roles[role["name"]] = {(p["mode"], p["prefix"], range_end(p["prefix"])) for p in permissions}
    access.users = {"root": {"root"}, **{user["name"]: set(user["roles"]) for user in users}}
    return access


def permissions_of(answer: Mapping[str, Any]) -> set[Permission]:
    """Return the permissions in etcdctl's answer about a role; it leaves out what is zero."""
    return {
        (MODES[entry.get("permType", 0)], _text(entry.get("key", "")), _text(entry.get("range_end", "")))
        for entry in answer.get("perm") or []
    }


def commands(found: Access, want: Access) -> list[list[str]]:
    """Return etcdctl's arguments, in an order that never interrupts the access of a user."""
    steps: list[list[str]] = []
    for role, permissions in want.roles.items():
        known = found.roles.get(role)
        steps += [["role", "add", role]] if known is None else []
        steps += [_grant(role, permission) for permission in sorted(permissions - (known or set()))]
        kept = {permission[1:] for permission in permissions}
        steps += [["role", "revoke-permission", role, *p[1:]] for p in sorted(known or ()) if p[1:] not in kept]
    for user, roles in want.users.items():
        has = found.users.get(user)
        steps += [["user", "add", user, "--no-password"]] if has is None else []
        steps += [["user", "grant-role", user, role] for role in sorted(roles - (has or set()))]
        steps += [["user", "revoke-role", user, role] for role in sorted((has or set()) - roles)]
    if want.enabled != found.enabled:
        steps.append(["auth", "enable" if want.enabled else "disable"])
    return steps


def _grant(role: str, permission: Permission) -> list[str]:
    """Return the command that grants; it replaces another mode for the same keys."""
    mode, first, end = permission
    return ["role", "grant-permission", role, mode, first, end]


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode("utf-8", "surrogateescape")
