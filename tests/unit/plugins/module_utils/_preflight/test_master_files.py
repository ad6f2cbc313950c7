# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and tokens of operators: what an API server could not read is refused, and no secret is shown."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.master_files import (
    EXTRA_DIR,
    extra_files,
    static_tokens,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_rules import remedy

from tests.support.roles.master import single

SECRET = "s3cr3t-s3cr3t"
FILE = {"name": "webhook.conf", "content": SECRET}
TOKEN: dict[str, t.Any] = {"token": SECRET, "user": "monitor", "uid": "1001", "groups": ["view"]}
OTHER = {**TOKEN, "token": "0ther-0ther"}


def without(entry: dict[str, t.Any], *names: str) -> dict[str, t.Any]:
    return {name: value for name, value in entry.items() if name not in names}


def test_the_directory_is_that_of_the_role() -> None:
    assert single().value("_master_extra_dir") == EXTRA_DIR


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"content": {"clusters": []}},
        {"mode": "0640", "owner": "bob"},
        {"mode": "0604", "owner": "bob", "group": "bob"},
        {"mode": "0400", "owner": "0"},
        {"name": None, "path": "/etc/systemd/system/kube-apiserver.service.d/10-own.conf"},
        {"name": None, "path": "/srv/webhook/own.conf", "restart": False},
    ],
)
def test_readable_files_are_accepted(more: dict[str, t.Any]) -> None:
    assert extra_files([]) == ""
    assert extra_files([{**FILE, **more}]) == ""


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("a.conf", "entry 1 is not a mapping; write"),
        (without(FILE, "name"), "set exactly one of name and path"),
        ({**FILE, "path": "/srv/a"}, "set exactly one of name and path"),
        ({**FILE, "name": "a/b"}, "name 'a/b' is no name of a file; use"),
        ({**FILE, "name": ".."}, "is no name of a file"),
        ({**without(FILE, "name"), "path": "srv/a"}, "not an absolute path below a directory; write"),
        ({**without(FILE, "name"), "path": "/srv/../etc/a"}, "not an absolute path"),
        ({**without(FILE, "name"), "path": "/a"}, "not an absolute path"),
        ({**without(FILE, "name"), "path": "/etc/kubernetes/admin.conf"}, "manages; use name: admin.conf instead"),
        ({**without(FILE, "name"), "path": "/etc/systemd/system/kube-apiserver.service"}, "manages; use name"),
        ({**without(FILE, "name"), "path": "/root/a"}, "ProtectHome hides it from the unit; use name: a instead"),
        (without(FILE, "content"), "has no single source; set exactly one of content and src"),
        ({**FILE, "src": "/etc/hosts"}, "has no single source"),
        ({**FILE, "content": [SECRET]}, "content is no text; write"),
        ({**without(FILE, "content"), "src": "files/a"}, "src 'files/a' is not an absolute path; write"),
        ({**without(FILE, "content"), "src": "/no/such"}, "no such file on the controller; correct"),
        ({**FILE, "mode": 384}, "mode 384 is not four octal digits; put it in quotes"),
        ({**FILE, "mode": "4755"}, "is not four octal digits"),
        ({**FILE, "mode": "0666"}, "lets every user of the host change it; use 0664"),
        (
            {**FILE, "owner": "bob"},
            "kube-apiserver cannot read it: it runs as root, without capabilities; use mode 0640",
        ),
        ({**FILE, "owner": "bob", "group": "bob"}, "use mode 0604"),
        ({**FILE, "mode": "0040"}, "use mode 0440"),
    ],
)
def test_other_files_are_refused(entry: t.Any, words: str) -> None:
    found = extra_files([entry])
    assert words in found
    assert "; " in found
    assert SECRET not in found


def test_a_file_of_the_controller_must_exist(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("a")
    assert extra_files([{"name": "a.conf", "src": str(tmp_path / "a.conf")}]) == ""
    assert "listed twice" in extra_files([FILE, FILE])


@pytest.mark.parametrize(
    "more", [{}, {"groups": None}, {"groups": "view,edit"}, {"uid": 7}, {"token": 'a,b"c'}, {"user": "Ünal, B."}]
)
def test_usable_tokens_are_accepted(more: dict[str, t.Any]) -> None:
    assert static_tokens([]) == ""
    assert static_tokens([{**TOKEN, **more}]) == ""


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (SECRET, "write entry 2 as {token"),
        (without(OTHER, "user"), "in entry 2, set user to a text of one line"),
        ({**OTHER, "user": ""}, "set user to"),
        ({**OTHER, "uid": True}, "set uid to"),
        ({**OTHER, "token": "a\nb"}, "set token to a text of one line"),
        ({**OTHER, "token": "a b"}, "use a token of ASCII characters without blanks"),
        ({**OTHER, "name": "x"}, "use only the fields token, user, uid, groups"),
        ({**OTHER, "groups": ["a,b"]}, "set groups to a list of names, each"),
        ({**OTHER, "groups": {"a": 1}}, "set groups to a list of names"),
        (TOKEN, "in entry 2, use a token of its own, which no other entry has"),
    ],
)
def test_other_tokens_are_refused_without_being_shown(entry: t.Any, words: str) -> None:
    value = [TOKEN, entry]
    assert words in remedy("master_static_tokens", value), "only the remedy of a secret option is shown"
    assert SECRET not in static_tokens(value) and OTHER["token"] not in static_tokens(value)
