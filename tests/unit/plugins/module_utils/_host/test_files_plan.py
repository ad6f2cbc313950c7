# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decisions of module files, and its atomic write."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import files_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.files_plan import Found

ROOT = ("root", 0)
FOUND = Found("file", b"old\n", 0o644, ROOT, ROOT)


def entry(**given: Any) -> dict[str, Any]:
    """Return one entry as the module's argument parser gives it."""
    keys = ("template", "content", "source", "mode", "owner", "group", "validate", "_payload")
    return {"path": "/etc/x.conf", "state": "file", "secret": False, **dict.fromkeys(keys), **given}


@pytest.mark.parametrize(
    ("given", "found", "words"),
    [
        ({"content": "old\n"}, FOUND, []),
        ({"content": "new\n"}, FOUND, ["content"]),
        ({"content": "old\n", "mode": "0600"}, FOUND, ["mode"]),
        ({"content": "old\n", "owner": "etcd", "group": "0"}, FOUND, ["owner"]),
        ({"content": "old\n"}, Found("absent"), ["created"]),
        ({"content": "old\n"}, Found("other"), ["replaced"]),
        ({"state": "absent"}, FOUND, ["removed"]),
        ({"state": "absent"}, Found("absent"), []),
        ({"state": "directory"}, Found("directory", mode=0o755), []),
        ({"state": "directory", "mode": "0700"}, Found("directory", mode=0o755), ["mode"]),
    ],
)
def test_changes(given: dict[str, Any], found: Found, words: list[str]) -> None:
    assert files_plan.changes(files_plan.item(entry(**given)), found) == words


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": "x.conf", "content": ""}, "absolute path"),
        ({"path": "/etc", "state": "absent"}, "absolute path below a directory"),
        ({}, "set one of template, content or source"),
        ({"content": "", "mode": "420"}, "quote it"),
        ({"content": "", "mode": "u=rw"}, "four octal digits"),
        ({"content": "", "validate": "haproxy -c"}, "no %s"),
    ],
)
def test_contradictory_entries_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HardwayError, match=message):
        files_plan.item(entry(**given))


def test_a_file_does_not_replace_a_directory() -> None:
    with pytest.raises(HardwayError, match="is a directory instead of"):
        files_plan.changes(files_plan.item(entry(content="")), Found("directory"))
    with pytest.raises(HardwayError, match="is a file instead of"):
        files_plan.changes(files_plan.item(entry(state="directory")), FOUND)


def test_a_diff_shows_attributes_and_never_a_secret() -> None:
    plain = files_plan.diff(files_plan.item(entry(content="new\n", mode="0600")), FOUND, ["content", "mode"])
    assert plain["before"] == "# file 0644 root:root\nold\n"
    assert plain["after"] == "# file 0600 root:root\nnew\n"
    secret = files_plan.diff(files_plan.item(entry(content="hush", secret=True)), FOUND, ["content"])
    assert "hush" not in str(secret)
    assert "old" not in str(secret)
    assert secret["before"] != secret["after"]


def test_a_secret_is_private_by_default() -> None:
    assert files_plan.item(entry(content="", secret=True)).mode == 0o600


def test_a_write_is_complete_or_has_no_effect(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "x")
    atomic_files.write(path, b"one", mode=0o640)
    assert atomic_files.same(path, b"one", 0o640)
    assert not atomic_files.same(path, b"two", 0o640)
    assert not atomic_files.same(path, b"one", 0o600)
    monkeypatch.setattr(
        os, "replace", lambda *_paths, **_at: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(HardwayError, match="No space left"):
        atomic_files.write(path, b"two", mode=0o640)
    assert [left.name for left in tmp_path.iterdir()] == ["x"]
    assert atomic_files.read(path) == b"one"


def test_an_unknown_owner_differs_and_cannot_be_written(tmp_path) -> None:
    path = str(tmp_path / "x")
    atomic_files.write(path, b"", mode=0o600)
    assert not atomic_files.same(path, b"", 0o600, owner="nobody-of-that-name")
    with pytest.raises(HardwayError, match="no user nobody-of-that-name"):
        atomic_files.write(path, b"", mode=0o600, owner="nobody-of-that-name")
