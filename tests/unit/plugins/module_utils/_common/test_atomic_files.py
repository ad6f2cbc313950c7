# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error of a file names what helps."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


def failing(number: int) -> t.Callable[..., t.NoReturn]:
    """Return a system call that fails."""

    def call(*_args: t.Any, **_settings: t.Any) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize(
    ("number", "user", "words"),
    [
        (errno.EPERM, 0, "Operation not permitted; lsattr shows"),
        (errno.EPERM, 1000, "fix its mode"),
        (errno.ENOSPC, 0, "free disk space"),
    ],
)
def test_an_immutable_file_is_not_for_want_of_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, user: int, words: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    owner = str(os.getuid())
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "replace", failing(number))
    monkeypatch.setattr(os, "fchmod", failing(number))
    for change in (
        lambda: atomic_files.write(str(path), b"new", mode=0o644, owner=owner, group=owner),
        lambda: atomic_files.set_attributes(str(path), 0o600, owner, owner),
    ):
        with pytest.raises(HardwayError, match=words):
            change()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"] and path.read_bytes() == b"old"
