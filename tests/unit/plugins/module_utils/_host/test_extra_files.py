# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra files of operators as entries of module files, and as inputs of a unit."""

from __future__ import annotations

import json

from ansible_collections.hardway.kubernetes.plugins.module_utils._host import extra_files

DIRECTORY = "/etc/kubernetes/extra"
NAMED, PLACED = {"name": "a.conf", "content": "a"}, {"path": "/srv/b", "src": "/controller/b", "restart": "no"}


def test_the_directory_is_purged_or_removed_after_all_files() -> None:
    named, placed, own = extra_files.entries([NAMED, PLACED], DIRECTORY)
    assert named == {"path": f"{DIRECTORY}/a.conf", "content": "a", "mode": "0600", "secret": True}
    assert placed == {"path": "/srv/b", "source": "/controller/b", "mode": "0600", "secret": True}
    assert own == {"path": DIRECTORY, "state": "directory", "mode": "0755", "purge": True, "secret": True}
    removed = {"path": DIRECTORY, "state": "absent", "secret": True}
    assert extra_files.entries([PLACED], DIRECTORY)[1:] == extra_files.entries([], DIRECTORY) == [removed]


def test_owner_and_content() -> None:
    given = {"name": "a", "content": {"b": [1, None]}, "mode": "0640", "owner": 7, "group": "g"}
    entry = extra_files.entries([given], DIRECTORY)[0]
    assert (entry["mode"], entry["owner"], entry["group"]) == ("0640", "7", "g")
    assert json.loads(entry["content"]) == {"b": [1, None]}


def test_mode_of_files_that_have_none() -> None:
    found = extra_files.entries([NAMED, {**NAMED, "name": "b", "mode": "0700"}], DIRECTORY, "0755")
    assert [entry["mode"] for entry in found[:-1]] == ["0755", "0700"]


def test_inputs_are_the_files_whose_change_restarts() -> None:
    assert extra_files.inputs([NAMED, PLACED], DIRECTORY) == [f"{DIRECTORY}/a.conf"]
