# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reset deletes, and where it stops."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import deletion


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a directory with files, directories and links, beside a directory of others."""
    (tmp_path / "others").mkdir()
    (tmp_path / "others/file").write_text("data")
    (tmp_path / "tree/a/b").mkdir(parents=True)
    (tmp_path / "tree/a/b/file").write_text("x")
    (tmp_path / "tree/a/socket").symlink_to(tmp_path / "others/file")
    (tmp_path / "tree/link").symlink_to(tmp_path / "others")
    os.mkfifo(tmp_path / "tree/fifo")
    return tmp_path / "tree"


def test_links_are_deleted_and_not_followed(tree: Path) -> None:
    assert deletion.delete(str(tree)) == (True, [])
    assert not tree.exists() and (tree.parent / "others/file").read_text() == "data"
    assert deletion.delete(str(tree)) == (False, [])


def test_a_dry_run_deletes_nothing(tree: Path) -> None:
    before = sorted(tree.rglob("*"))
    assert deletion.delete(str(tree), dry=True) == (True, [])
    assert sorted(tree.rglob("*")) == before


def test_a_directory_behind_a_link_is_emptied_and_both_stay(tree: Path) -> None:
    link = tree.parent / "kubelet"
    link.symlink_to(tree)
    assert deletion.delete(str(link)) == (True, [])
    assert link.is_symlink() and list(tree.iterdir()) == []
    assert deletion.delete(str(link), dry=True) == (False, [])


def test_a_link_to_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "kubelet").symlink_to(tmp_path / "none")
    assert deletion.delete(str(tmp_path / "kubelet")) == (False, [])
    assert (tmp_path / "kubelet").is_symlink()


def test_a_tree_that_is_deeper_than_any_path(tmp_path: Path) -> None:
    """As a container can make one in a volume."""
    start = os.open(tmp_path, os.O_RDONLY)
    handle = start
    for _level in range(2500):
        os.mkdir("d" * 20, dir_fd=handle)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    assert deletion.delete(str(tmp_path))[0]
    assert not tmp_path.exists()


def test_nothing_is_there_not_even_the_directories_above(tmp_path: Path) -> None:
    assert deletion.delete(str(tmp_path / "none/below/it")) == (False, [])
    assert not deletion.delete_file(str(tmp_path / "none/below/it"))


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert deletion.delete_file(str(tmp_path / "file"), dry=True)
    assert deletion.delete_file(str(tmp_path / "file"))
    assert not deletion.delete_file(str(tmp_path / "file"))


def test_a_dry_run_ends_with_the_first_entry_and_what_vanishes_is_no_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "a/b/file").unlink()
    (tree / "a/socket").unlink()
    (tree / "link").unlink()
    (tree / "fifo").unlink()
    real = deletion._entries

    def vanishing(handle: int) -> list[tuple[str, bool]]:
        return [("gone", True), *real(handle)]

    monkeypatch.setattr(deletion, "_entries", vanishing)
    assert deletion.delete(str(tree), dry=True) == (True, [])
    assert (tree / "a/b").is_dir()
    assert deletion.delete(str(tree)) == (True, []) and not tree.exists()
