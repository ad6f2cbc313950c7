# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a kill leaves behind are removed by the next write, and files of a running process are not."""

from __future__ import annotations

import functools
import os
import signal
import time
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, leftovers

from tests.support.kill_midway import each_kill, run_killed


def names(directory: Path) -> list[str]:
    """Return the names of all files."""
    return sorted(path.name for path in directory.iterdir())


def test_a_killed_write_is_cleaned_by_the_next(tmp_path: Path) -> None:
    """Whatever the moment of the kill, no second copy of a key stays on the disk."""
    target, left = tmp_path / "a.key", 0
    for number in each_kill(lambda _number: functools.partial(atomic_files.write, str(target), b"secret", mode=0o600)):
        left += len([name for name in names(tmp_path) if name.endswith(".tmp")])
        atomic_files.write(str(target), b"new", mode=0o600)
        assert names(tmp_path) == ["a.key"], f"killed before call {number}"
    assert left > 0


def test_files_of_a_running_process_stay(tmp_path: Path) -> None:
    """Two runs at once; only files of dead processes are removed."""
    target = str(tmp_path / "a.key")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        atomic_files.stage(target, b"theirs", mode=0o600)
        os.write(write, b"x")
        signal.pause()
    os.read(read, 1)
    try:
        atomic_files.write(target, b"ours", mode=0o600)
        assert len(names(tmp_path)) == 2
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    atomic_files.write(target, b"ours", mode=0o600)
    assert names(tmp_path) == ["a.key"]


def test_only_files_that_are_certainly_ours_are_removed(tmp_path: Path) -> None:
    """Other files, those beside another name, and young ones without a process in their name are left alone."""
    strange = [".a.key.swp", ".a.key.tmp", ".a.key.something-else.tmp", "a.key.tmp", ".b.key.1f-1-1-00000000.tmp"]
    young = [".a.key.1f-1-1-00000000.tmp"]
    for name in strange + young:
        (tmp_path / name).touch()
    atomic_files.write(str(tmp_path / "a.key"), b"x", mode=0o600)
    assert names(tmp_path) == sorted([*strange, *young, "a.key"])
    long_ago = time.time() - 2 * leftovers.OLD
    for name in strange + young:
        os.utime(tmp_path / name, (long_ago, long_ago))
    atomic_files.write(str(tmp_path / "a.key"), b"x", mode=0o600)
    assert names(tmp_path) == sorted([*strange, "a.key"])


def test_a_scratch_directory_of_a_killed_run(tmp_path: Path) -> None:
    """It held files to be checked, perhaps a secret; a lock directory and others' files stay."""
    (tmp_path / "hardway-0").mkdir()
    (tmp_path / "hardway-12345678").mkdir()
    (tmp_path / "hardway-dead_beef").symlink_to("/etc")

    def work() -> None:
        with leftovers.scratch(str(tmp_path)) as made:
            Path(made, "secret").write_text("x")
            (tmp_path / "end").mkdir()

    # Its calls are: the directory, the file, and the one at which it is killed.
    assert run_killed(work, 3)
    assert len(list(tmp_path.glob("hardway-*/secret"))) == 1
    kept = {"hardway-0", "hardway-12345678", "hardway-dead_beef"}
    with leftovers.scratch(str(tmp_path)) as made:
        assert set(names(tmp_path)) == {Path(made).name, *kept}
        assert Path(made).stat().st_mode & 0o777 == 0o700
    assert set(names(tmp_path)) == kept


@pytest.mark.parametrize("maker", ["", "1f-1-1-0000", "x" * 40, "1f-1-1-00000000/.."])
def test_files_with_other_names_stay(maker: str) -> None:
    """Whatever their age."""
    assert not leftovers.is_abandoned(maker, 0)
