# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may get a kubeconfig, for how long, and which certificates of persons a log has."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import persons

from tests.support.repository import ROLES

NOW = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def asked(**changes: Any) -> dict[str, Any]:
    """Return what is right for alice, with changes."""
    wanted: dict[str, Any] = {"user": "alice", "groups": ["dev"], "ttl": "8h", "ttl_max": "168h", "kubeconfig": "/a"}
    wanted |= {"cluster": "prod", "server": "https://192.0.2.1:6443", "administrator": "root-user"}
    return {**wanted, "allow_masters": False, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"groups": []},
        {"user": "alice.b@example.org", "groups": ["team:dev/ops", "oidc:a@b"]},
        {"ttl": "7d"},
        {"groups": ["system:masters"], "allow_masters": True},
    ],
)
def test_persons_get_a_kubeconfig(changes: dict[str, Any]) -> None:
    assert persons.problems(asked(**changes), None) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": ""}, "user: is missing"),
        ({"user": "system:kube-scheduler"}, "identity of the cluster"),
        ({"user": "root-user"}, "identity of the cluster"),
        ({"user": "../ca"}, "is not a name"),
        ({"user": "-e"}, "is not a name"),
        ({"user": "alice\n"}, "is not a name"),
        ({"user": "a" * 65}, "is not a name"),
        ({"groups": None}, "-e groups= has no effect"),
        ({"groups": ["dev", "system:masters"]}, "bypasses RBAC"),
        ({"groups": ["system:nodes"], "allow_masters": True}, "programs of the cluster"),
        ({"groups": [""]}, "is not a name"),
        ({"ttl": "169h"}, "exceeds 168h"),
        ({"ttl": "a day"}, "not a duration"),
        ({"server": "https://"}, "cluster_api_endpoint"),
    ],
)
def test_each_problem_is_reported(changes: dict[str, Any], words: str) -> None:
    (problem,) = persons.problems(asked(**changes), None)
    assert words in problem


def test_no_person_gets_the_name_of_a_program_of_the_cluster() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROLES.glob("*/vars/**/*.yml"))
    programs = set(re.findall(r"common_name: (kube\S+|flannel\S*)$", text, re.MULTILINE))
    programs.add(yaml.safe_load((ROLES / "admin/defaults/main.yml").read_text(encoding="utf-8"))["admin_user"])
    assert "kube-apiserver-kubelet-client" in programs
    for name in programs - {"kubelet-ca"}:
        assert persons.problems(asked(user=name), None), name


@pytest.mark.parametrize("present", [["prod", "bob"], ["test", "alice"], ["prod", "test", "alice", "alice"], []])
def test_only_the_persons_own_file_is_replaced(present: list[str]) -> None:
    (problem,) = persons.problems(asked(), present)
    assert problem.startswith("/a: is not a kubeconfig of alice for prod alone")
    assert persons.problems(asked(), ["prod", "alice"]) == []


def line(path: str, subject: list[str], hour: int) -> str:
    """Return a line of an issue log."""
    end = f"2026-11-29T{hour}:00:00Z"
    return json.dumps({"path": path, "subject": subject, "serial": "1f", "time": "-", "not_after": end})


def test_certificates_of_persons_are_listed_and_others_are_not() -> None:
    lines = [
        line("/pki/.persons/alice", ["CN=alice", "O=dev", "O=ops"], 11),
        line("/pki/admin", ["CN=kubernetes-admin", "O=system:masters"], 13),
        '{"path": "/pki/.persons/ha',
        "[1]",
        line("/elsewhere/.persons/bob", ["CN=bob"], 13),
    ]
    heading, *rows = (row.split() for row in persons.issued(lines, NOW))
    assert heading[:2] == ["USER", "GROUPS"]
    assert rows == [
        ["alice", "dev,ops", "1f", "-", "2026-11-29T11:00:00Z", "expired"],
        ["bob", "-", "1f", "-", "2026-11-29T13:00:00Z", "valid"],
    ]
