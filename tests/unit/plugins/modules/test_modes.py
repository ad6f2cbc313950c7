# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on a host with a strict umask, and in directories in which a service's user has planted links."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import Placed
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import files_plan
from ansible_collections.hardway.kubernetes.plugins.modules import artifact, files

from tests.support.other_user import OTHER_USER, mode


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Run with the umask of a hardened host."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def item(path: Path, **more: Any) -> files_plan.Item:
    """Return an entry of module files."""
    empty = dict.fromkeys(("mode", "owner", "group", "validate", "content"))
    return files_plan.item({**empty, "path": str(path), "state": "file", "secret": False, **more})


def apply(wanted: files_plan.Item) -> list[str]:
    """Run module files with one entry; return what changed."""
    found = files.inspect(wanted.path)
    words = files_plan.changes(wanted, found)
    if words:
        files.put(wanted, found, words)
    return words


def placed(tmp_path: Path, version: str = "1") -> tuple[Placed, str]:
    """Return a binary to install, and its upload."""
    upload = tmp_path / "upload"
    upload.write_bytes(b"#!/bin/sh\n")
    sha = hashlib.sha256(upload.read_bytes()).hexdigest()
    return Placed("tool", version, "tool", str(tmp_path / "bin"), sha), str(upload)


def test_files_in_a_directory_that_root_has_moved(tmp_path: Path) -> None:
    """The link stays; a second run changes nothing."""
    disk, link = tmp_path / "disk/pki", tmp_path / "etc/pki"
    disk.mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(disk)
    for wanted in (
        item(link, state="directory", mode="0750"),
        item(link / "sa.key", content="x", mode="0600", secret=True),
        item(link / "etcd/ca.crt", content="y", mode="0644"),
    ):
        assert apply(wanted) != [] and apply(wanted) == []
    assert link.is_symlink() and mode(disk) == 0o750
    assert (disk / "etcd/ca.crt").read_text() == "y"
    assert apply(item(link / "sa.key", state="absent")) != []
    assert link.is_symlink() and not (disk / "sa.key").exists()


def test_files_makes_directories_that_services_can_enter(tmp_path: Path) -> None:
    """Parent directories, too; files have the specified mode."""
    assert apply(item(tmp_path / "a/b/file", content="x", mode="0755")) == ["created"]
    assert apply(item(tmp_path / "c", state="directory", mode="0750")) == ["created"]
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/file", "c")] == [0o755, 0o755, 0o755, 0o750]


def test_files_repairs_a_directory_it_is_given(tmp_path: Path) -> None:
    """A former version created it as 0750 under such a umask."""
    (tmp_path / "libexec").mkdir(mode=0o700)
    wanted = item(tmp_path / "libexec", state="directory", mode="0755")
    assert apply(wanted) == ["mode"] and mode(tmp_path / "libexec") == 0o755
    assert apply(wanted) == []


def test_artifact_makes_and_repairs_its_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Service users run the installed programs; a later run opens a directory that they cannot enter."""
    root = tmp_path / "root"
    wanted, upload = placed(tmp_path)
    install.install(wanted, str(root), upload)
    install.link(wanted, str(root))
    paths = [root, root / "tool", root / "tool/1", root / "tool/1/tool", tmp_path / "bin"]
    assert [mode(path) for path in paths] == [0o755] * 5
    assert install.closed(wanted, str(root)) == []
    (root / "tool").chmod(0o750)
    (tmp_path / "bin").chmod(0o750)
    # The other one may be the distribution's.
    assert install.closed(wanted, str(root)) == [str(root / "tool")]
    (root / "tool").chmod(0o755)
    monkeypatch.setattr(install.os, "stat", lambda path: SimpleNamespace(st_mode=0o40755, st_uid=1))
    assert str(root / "tool") in install.closed(wanted, str(root))


def test_artifact_names_a_directory_of_the_distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its mode is not changed; the message says what to do."""
    wanted, _upload = placed(tmp_path)
    (tmp_path / "bin").mkdir(mode=0o750)
    monkeypatch.setattr(install, "DISTRIBUTIONS", (str(tmp_path / "bin"),))
    with pytest.raises(HardwayError, match=rf"{tmp_path}/bin: .*cannot enter.*chmod o\+x {tmp_path}/bin"):
        artifact.refuse_closed_directories([wanted], str(tmp_path / "root"))
    (tmp_path / "bin").chmod(0o711)
    artifact.refuse_closed_directories([wanted], str(tmp_path / "root"))


def test_artifact_below_opt_sets_the_mode_of_parent_directories() -> None:
    """Also /opt/cni, which contains the plugins' directory, but never /opt."""
    plugin = Placed("cni", "1", "bridge", "/opt/cni/bin", "")
    assert install._upwards(plugin.dest, install.OURS) == ["/opt/cni/bin", "/opt/cni"]
    assert install._upwards("/usr/local/bin", "/") == ["/usr/local/bin", "/usr/local", "/usr"]


def test_an_upload_is_verified_where_no_user_can_exchange_it(tmp_path: Path) -> None:
    """A wrong upload is removed."""
    wanted, upload = placed(tmp_path)
    Path(upload).write_bytes(b"another")
    with pytest.raises(HardwayError, match="tool: received with sha256"):
        install.install(wanted, str(tmp_path / "root"), upload)
    assert list((tmp_path / "root/tool/1").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's directory needs root")
def test_files_follows_no_planted_link(tmp_path: Path) -> None:
    """As with wal-dir below data-dir: etcd replaces a directory, whose owner root is about to set, by a link."""
    theirs, etc = tmp_path / "data", tmp_path / "etc"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, OTHER_USER, OTHER_USER)
    etc.mkdir(mode=0o700)
    (etc / "passwd").write_text("root")
    (theirs / "wal").symlink_to(etc)
    for wanted in (
        item(theirs / "wal", state="directory", mode="0777", owner=str(OTHER_USER)),
        item(theirs / "wal/passwd", content="x", owner=str(OTHER_USER)),
        item(theirs / "wal/passwd", state="absent"),
    ):
        with pytest.raises(HardwayError, match="wal is a link in a directory where others than root may write"):
            apply(wanted)
    assert mode(etc) == 0o700 and etc.stat().st_uid == 0 and (etc / "passwd").read_text() == "root"
