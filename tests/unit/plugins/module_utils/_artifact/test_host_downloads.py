# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host downloads itself: installed or nothing, and nothing left over, also after a kill."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import host_downloads, install
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import Unreachable
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.host_downloads import HostDownload
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import Placed

from tests.support.kill_midway import each_kill

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")


def digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def downloads(tmp_path: Path) -> list[HostDownload]:
    """Return an archive of two binaries, and a plain one."""
    with tarfile.open(tmp_path / "tool.tar.gz", "w:gz") as packed:
        for name in ("tool", "helper"):
            (tmp_path / name).write_text(name)
            packed.add(tmp_path / name, f"bin/{name}")
    (tmp_path / "plain").write_text("plain")
    url = f"file://{tmp_path}"
    members = {"tool": "bin/tool", "helper": "./bin/helper"}
    archive = HostDownload("tool", "1.0", f"{url}/tool.tar.gz", digest(tmp_path / "tool.tar.gz"), members)
    return [archive, HostDownload("plain", "2.0", f"{url}/plain", digest(tmp_path / "plain"), {"plain": ""})]


WANTED = [
    Placed("tool", "1.0", "tool", "/a"),
    Placed("tool", "1.0", "helper", "/a"),
    Placed("plain", "2.0", "plain", "/a"),
]


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


WHOLE = ["plain/2.0/.sha256.json", "plain/2.0/plain", *(f"tool/1.0/{n}" for n in (".sha256.json", "helper", "tool"))]


def test_binaries_are_installed_and_nothing_else_is_left(downloads: list[HostDownload], tmp_path: Path) -> None:
    root = tmp_path / "root"
    sizes = sum((tmp_path / name).stat().st_size for name in ("tool.tar.gz", "plain"))
    assert host_downloads.fetch(downloads, WANTED, str(root)) == (sizes, [])
    host_downloads.clean(str(root))
    assert tree(root) == WHOLE
    assert not (root / ".downloads").exists()
    assert all(install.present(want, str(root), reread=True) for want in WANTED)
    assert host_downloads.fetch(downloads, WANTED, str(root)) == (0, [])


def test_a_second_link_needs_no_second_download(downloads: list[HostDownload], tmp_path: Path) -> None:
    twice = [*WANTED[:1], replace(WANTED[0], dest="/b")]
    came, problems = host_downloads.fetch(downloads, twice, str(tmp_path / "root"))
    assert (came, problems) == ((tmp_path / "tool.tar.gz").stat().st_size, [])


def test_each_failure_is_one_line_with_a_remedy_and_the_rest_is_installed(
    downloads: list[HostDownload], tmp_path: Path
) -> None:
    wrong = [replace(downloads[0], digest="sha256:00"), downloads[1]]
    came, problems = host_downloads.fetch(wrong, WANTED, str(tmp_path / "root"))
    assert came == 5
    assert len(problems) == 1
    assert problems[0].startswith(f"tool 1.0: helper, tool: file://{tmp_path}/tool.tar.gz gave a file with sha256")
    assert "cluster_download_from: controller" in problems[0]
    assert tree(tmp_path / "root") == WHOLE[:2]


def test_a_member_that_is_not_in_the_archive_is_reported(downloads: list[HostDownload], tmp_path: Path) -> None:
    other = [replace(downloads[0], members={"tool": "elsewhere/tool"})]
    _came, problems = host_downloads.fetch(other, WANTED[:1], str(tmp_path / "root"))
    assert "tool is not in file://" in problems[0]


def test_a_server_that_does_not_answer_is_asked_once(
    downloads: list[HostDownload], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def unreachable(url: str, *_arguments: str) -> int:
        asked.append(url)
        raise Unreachable("no answer from mirror")

    monkeypatch.setattr(host_downloads, "download", unreachable)
    _came, problems = host_downloads.fetch(downloads, WANTED, str(tmp_path / "root"))
    assert [problem.split(":")[0] for problem in problems] == ["tool 1.0", "plain 2.0"]
    assert len(asked) == 1


def test_after_a_kill_at_any_moment_the_next_run_completes(downloads: list[HostDownload], tmp_path: Path) -> None:
    def work(number: int) -> Callable[[], object]:
        root = str(tmp_path / f"root{number}")

        def run() -> None:
            host_downloads.fetch(downloads, WANTED, root)
            host_downloads.clean(root)

        return run

    for number in each_kill(work):
        root = tmp_path / f"root{number}"
        assert host_downloads.fetch(downloads, WANTED, str(root))[1] == []
        host_downloads.clean(str(root))
        assert tree(root) == WHOLE, number
        assert not (root / ".downloads").exists()


def test_a_download_of_a_version_that_is_no_longer_wanted_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "tool-1.0-00.part").write_text("part")
    host_downloads.clean(str(tmp_path))
    assert not (tmp_path / ".downloads").exists()
