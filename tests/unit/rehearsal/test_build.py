# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins are built by every test run and every demo, at the same time in the same place."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rehearsal import build


def many(act: Callable[[int], object]) -> None:
    """Do something often at once; raise what any of them raised."""
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(act, number) for number in range(400)]:
            done.result()


def test_programs_are_placed_by_several_at_once(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in (1, 2)]
    many(lambda number: build.place(tmp_path / "bin/kubelet", contents[number % 2]))
    assert (tmp_path / "bin/kubelet").read_bytes() in contents
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["kubelet"]


def test_links_are_made_by_several_at_once(tmp_path: Path) -> None:
    targets = [tmp_path / "one", tmp_path / "two"]
    for target in targets:
        target.touch()
    many(lambda number: build.link(tmp_path / "bin/etcd", targets[number % 2]))
    assert (tmp_path / "bin/etcd").readlink() in targets
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["etcd"]
