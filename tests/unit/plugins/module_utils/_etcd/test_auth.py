# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands lead from the current users and roles of etcd to the specified ones."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.auth import (
    Access,
    commands,
    permissions_of,
    range_end,
    wanted,
)

ROLES = [{"name": "flannel", "permissions": [{"prefix": "/f/", "mode": "readwrite"}]}]
USERS = [{"name": "flannel", "roles": ["flannel"]}]
WANT = wanted(ROLES, USERS, True)


def test_a_prefix_ends_where_etcd_says() -> None:
    # As etcdctl role get prints it for role grant-permission --prefix /f/.
    assert permissions_of({"perm": [{"permType": 2, "key": "L2Yv", "range_end": "L2Yw"}]}) == WANT.roles["flannel"]
    assert range_end("/f/") == "/f0"


def test_a_read_permission_has_no_type() -> None:
    assert permissions_of({"perm": [{"key": "L2Yv", "range_end": "L2Yw"}]}) == {("read", "/f/", "/f0")}
    assert permissions_of({}) == set()


def test_authentication_is_enabled_last() -> None:
    assert commands(Access(), WANT) == [
        ["role", "add", "flannel"],
        ["role", "grant-permission", "flannel", "readwrite", "/f/", "/f0"],
        ["user", "add", "root", "--no-password"],
        ["user", "grant-role", "root", "root"],
        ["user", "add", "flannel", "--no-password"],
        ["user", "grant-role", "flannel", "flannel"],
        ["auth", "enable"],
    ]


def test_existing_users_and_roles_are_left_alone() -> None:
    more = Access(roles=dict(WANT.roles), users={**WANT.users, "other": {"own"}}, enabled=True)
    assert commands(more, WANT) == []


def test_another_mode_is_granted_over_the_former() -> None:
    found = Access(roles={"flannel": {("read", "/f/", "/f0"), ("read", "/g/", "/g0")}}, users=WANT.users, enabled=True)
    assert commands(found, WANT) == [
        ["role", "grant-permission", "flannel", "readwrite", "/f/", "/f0"],
        ["role", "revoke-permission", "flannel", "/g/", "/g0"],
    ]


def test_surplus_roles_of_a_user_are_revoked() -> None:
    found = Access(roles=WANT.roles, users={**WANT.users, "flannel": {"flannel", "root"}}, enabled=True)
    assert commands(found, WANT) == [["user", "revoke-role", "flannel", "root"]]
