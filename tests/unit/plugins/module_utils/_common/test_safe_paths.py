# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root follows no link that a service's user has planted, and modes are as specified whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.other_user import OTHER_USER, mode

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is root that could be led astray")


@pytest.fixture
def group_writes(tmp_path: Path) -> Path:
    """Return a directory of root that a service's group may write to."""
    made = tmp_path / "shared"
    made.mkdir()
    os.chown(made, 0, OTHER_USER)
    made.chmod(0o775)
    return made


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Return a directory in which a service's user may write."""
    made = tmp_path / "theirs"
    made.mkdir()
    os.chown(made, OTHER_USER, OTHER_USER)
    return made


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Run with the umask of a hardened host."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


ACTS: dict[str, Callable[[str], None]] = {
    "attributes": lambda path: atomic_files.set_attributes(path, 0o644, None, None),
    "open": lambda path: safe_paths.opened(path).__enter__() and None,
}


@pytest.mark.parametrize("act", ACTS)
def test_a_planted_link_is_not_followed(act: str, theirs: Path, shadow: Path) -> None:
    """The file that it leads to keeps its mode and owner, and the message names the link."""
    (theirs / "server.crt").symlink_to(shadow)
    with pytest.raises(HardwayError, match=r"server.crt is a link in a directory where others than root may write"):
        ACTS[act](str(theirs / "server.crt"))
    assert mode(shadow) == 0o600


def test_a_planted_directory_is_not_entered(theirs: Path, tmp_path: Path) -> None:
    """Nothing is written, and no mode set, in what it leads to."""
    etc = tmp_path / "etc"
    etc.mkdir(mode=0o700)
    (theirs / "pki").symlink_to(etc)
    for act in (
        lambda: atomic_files.write(str(theirs / "pki/passwd"), b"x", mode=0o644),
        lambda: safe_paths.make_directory(str(theirs / "pki/more")),
        lambda: atomic_files.set_attributes(str(theirs / "pki"), 0o777, None, None),
        lambda: atomic_files.forget(str(theirs / "pki/passwd")),
    ):
        with pytest.raises(HardwayError, match=r"pki.* is a link"):
            act()
    assert list(etc.iterdir()) == [] and mode(etc) == 0o700


def test_a_link_where_a_group_may_write_is_not_followed(group_writes: Path, shadow: Path) -> None:
    """The group's members are not root either; with the sticky bit they cannot replace root's files."""
    (group_writes / "link").symlink_to(shadow)
    with pytest.raises(HardwayError, match="where others than root may write"):
        atomic_files.set_attributes(str(group_writes / "link"), 0o644, None, None)
    group_writes.chmod(0o1775)
    atomic_files.set_attributes(str(group_writes / "link"), 0o640, None, None)
    assert mode(shadow) == 0o640


def test_a_link_of_root_is_followed(tmp_path: Path) -> None:
    """Administrators put /var/lib/etcd on another disk so."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to("disk")
    atomic_files.write(str(tmp_path / "data/file"), b"x", mode=0o640)
    assert (tmp_path / "disk/file").read_bytes() == b"x" and mode(tmp_path / "disk/file") == 0o640
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(HardwayError, match="more than 40 links"):
        atomic_files.write(str(tmp_path / "loop/file"), b"x", mode=0o640)


def test_a_written_file_replaces_a_planted_link(theirs: Path, shadow: Path) -> None:
    """Its target is left alone."""
    (theirs / "file").symlink_to(shadow)
    atomic_files.write(str(theirs / "file"), b"new", mode=0o644)
    assert not (theirs / "file").is_symlink() and (theirs / "file").read_bytes() == b"new"
    assert shadow.read_text() == "secret" and mode(shadow) == 0o600


def test_created_parent_directories_have_their_mode(umask: int, tmp_path: Path) -> None:
    """Existing directories are left alone."""
    (tmp_path / "there").mkdir(mode=0o700)
    safe_paths.make_directory(str(tmp_path / "there/a/b/c"))
    assert [mode(tmp_path / "there" / name) for name in ("a", "a/b", "a/b/c")] == [0o755] * 3
    assert mode(tmp_path / "there") == 0o700
    safe_paths.make_directory(str(tmp_path / "private/x"), 0o700)
    assert mode(tmp_path / "private") == mode(tmp_path / "private/x") == 0o700


def test_a_file_where_a_directory_belongs_is_an_error(tmp_path: Path) -> None:
    """It is named, and stays."""
    (tmp_path / "file").touch()
    with pytest.raises(HardwayError, match="file/x: cannot be created: Not a directory"):
        safe_paths.make_directory(str(tmp_path / "file/x"))
