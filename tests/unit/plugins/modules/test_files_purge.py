# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that module files purges has only what is listed."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import files_plan


def test_what_is_above_a_wanted_path_is_kept() -> None:
    assert files_plan.unlisted(["/d/a", "/d/b", "/d/c"], ["/d", "/d/a", "/d/c/x/"]) == ["/d/b"]


def run(entries: list[dict[str, Any]], **settings: bool) -> dict[str, Any]:
    """Return the result of module files, run in this process."""
    module = importlib.import_module("ansible_collections.hardway.kubernetes.plugins.modules.files")
    output = io.StringIO()
    given = {f"_ansible_{name}": value for name, value in settings.items()}
    with (
        patch_module_args({"files": entries, "_ansible_remote_tmp": "/tmp", **given}),
        contextlib.redirect_stdout(output),
        pytest.raises(SystemExit),
    ):
        module.main()
    return dict(json.loads(output.getvalue()))


def test_a_purged_directory_has_only_what_is_listed(tmp_path: Path) -> None:
    (tmp_path / "old.conf").write_text("s3cr3t")
    (tmp_path / "older").mkdir()
    entries = [
        {"path": str(tmp_path / "a.conf"), "content": "a"},
        {"path": str(tmp_path), "state": "directory", "mode": "0755", "purge": True, "secret": True},
    ]
    for entry in entries:
        entry |= {"owner": str(os.geteuid()), "group": str(os.getegid())}
    predicted = run(entries, check_mode=True, diff=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.conf", "older"]
    applied = run(entries)
    assert applied["paths"] == predicted["paths"]
    assert applied["paths"][str(tmp_path / "old.conf")] == ["removed"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.conf"]
    assert "s3cr3t" not in json.dumps(predicted)
    assert not run(entries)["changed"]
