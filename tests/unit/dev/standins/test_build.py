# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins are built by every test run and every demo, in parallel in the same directory, and always the same."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.standins import build

VERSION = "1.36.2"
OUTPUT = f"Kubernetes v{VERSION}\n"


def many(act: Callable[[int], object]) -> None:
    """Run something often in parallel; raise what any of them raised."""
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(act, number) for number in range(400)]:
            done.result()


def test_programs_are_placed_by_several_processes_at_once(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in (1, 2)]
    many(lambda number: build.place(tmp_path / "bin/kubelet", contents[number % 2]))
    assert (tmp_path / "bin/kubelet").read_bytes() in contents
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["kubelet"]


def test_links_are_made_by_several_processes_at_once(tmp_path: Path) -> None:
    targets = [tmp_path / "one", tmp_path / "two"]
    for target in targets:
        target.touch()
    many(lambda number: build.link(tmp_path / "bin/etcd", targets[number % 2]))
    assert (tmp_path / "bin/etcd").readlink() in targets
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["etcd"]


def version_output(path: Path, content: bytes) -> str:
    """Return the version output of a program."""
    path.write_bytes(content)
    path.chmod(0o755)
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout


def test_the_same_sources_make_the_same_archive() -> None:
    """In every process, whatever its hashes: otherwise hosts would get another program at each run, and restart it."""
    code = f"import sys; from dev.standins import build; sys.stdout.buffer.write(build.archive('{VERSION}'))"
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=build.HERE.parents[1],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1 and made == {build.archive(VERSION)}


def test_compiled_files_are_used_and_ignored_by_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = (("__main__.py", "print('compiled')\n"),)
    main = build.compiled(sources)["__main__.pyc"]
    assert main.startswith(importlib.util.MAGIC_NUMBER)
    program = tmp_path / "kube-apiserver"
    for head, expected in ((importlib.util.MAGIC_NUMBER, "compiled\n"), (b"\0\0\r\n", OUTPUT)):
        monkeypatch.setattr(build, "compiled", lambda found, head=head: {"__main__.pyc": head + main[4:]})
        assert version_output(program, build.archive(VERSION)) == expected
