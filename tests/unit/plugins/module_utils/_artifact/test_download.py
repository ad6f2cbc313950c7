# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One download, from a real server on the loopback."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import download
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.hosts.file_mirror import Behaviour, mirror

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()

Served = tuple[str, Behaviour]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a mirror with one file."""
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tool").write_bytes(CONTENT)
    with mirror(tmp_path / "mirror") as (address, behaviour):
        yield f"{address}/tool", behaviour


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return where the file goes."""
    (tmp_path / "to").mkdir()
    return tmp_path / "to" / "tool"


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_comes_as_a_whole_and_is_counted(served: Served, target: Path) -> None:
    assert download(served[0], str(target), "sha256", DIGEST) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert left(target) == ["tool"]


def test_a_wrong_digest_leaves_nothing(served: Served, target: Path) -> None:
    with pytest.raises(HardwayError, match=f"gave a file with sha256 {DIGEST}, not 00; it was deleted"):
        download(served[0], str(target), "sha256", "00")
    assert left(target) == []


def test_an_error_of_the_server_leaves_nothing(served: Served, target: Path) -> None:
    served[1].status = 503
    with pytest.raises(HardwayError, match="/tool answers 503"):
        download(served[0], str(target), "sha256", DIGEST)
    assert left(target) == []


def test_a_cut_transfer_is_an_error_and_continues(served: Served, target: Path) -> None:
    served[1].cut = 100_000
    with pytest.raises(HardwayError, match="ended after 100000 of 256000 bytes"):
        download(served[0], str(target), "sha256", DIGEST)
    assert left(target) == ["tool.part"]
    served[1].cut = None
    assert download(served[0], str(target), "sha256", DIGEST) == 156_000
    assert [offset for _path, offset, _user in served[1].asked] == [0, 100_000]
    assert target.read_bytes() == CONTENT
    assert left(target) == ["tool"]


def test_a_killed_download_continues(served: Served, target: Path) -> None:
    served[1].cut, served[1].wait = 100_000, threading.Event()
    child = os.fork()
    if child == 0:
        try:
            download(served[0], str(target), "sha256", DIGEST)
        finally:
            os._exit(1)
    served[1].stopped.wait(30)
    # The client may not have read all of what was sent.
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    served[1].wait.set()
    assert left(target) in (["tool.part"], [])
    served[1].cut = None
    download(served[0], str(target), "sha256", DIGEST)
    assert target.read_bytes() == CONTENT
    assert left(target) == ["tool"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_part_of_another_file_is_replaced(served: Served, target: Path, ranges: bool) -> None:
    served[1].ranges = ranges
    target.with_name("tool.part").write_bytes(b"other" * 100)
    came = download(served[0], str(target), "sha256", DIGEST)
    assert came == len(CONTENT) * (2 if ranges else 1) - (500 if ranges else 0)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("more", [b"", b"x"])
def test_a_part_that_was_complete_or_longer_is_verified(served: Served, target: Path, more: bytes) -> None:
    target.with_name("tool.part").write_bytes(CONTENT + more)
    assert download(served[0], str(target), "sha256", DIGEST) == (len(CONTENT) if more else 0)
    assert target.read_bytes() == CONTENT
    assert left(target) == ["tool"]


def test_user_and_password_are_sent_and_never_shown(served: Served, target: Path) -> None:
    address = served[0].replace("//", "//me:s%40cret@")
    served[1].status = 401
    with pytest.raises(HardwayError) as caught:
        download(address, str(target), "sha256", DIGEST)
    assert "cret" not in str(caught.value)
    assert served[1].asked[0][2] == "Basic " + base64.b64encode(b"me:s@cret").decode()


def test_a_proxy_of_the_environment_is_used(
    served: Served, target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A proxy gets the whole address as path.
    place = tmp_path / "mirror" / "http:" / "mirror.example.org"
    place.mkdir(parents=True)
    (place / "tool").write_bytes(CONTENT)
    monkeypatch.setenv("http_proxy", served[0].rpartition("/")[0])
    download("http://mirror.example.org/tool", str(target), "sha256", DIGEST)
    assert served[1].asked[0][0] == "http://mirror.example.org/tool"
    assert target.read_bytes() == CONTENT


def test_a_full_disk_is_not_reported_as_an_unreachable_server(served: Served, target: Path) -> None:
    target.with_name("tool.part").symlink_to("/dev/full")
    with pytest.raises(HardwayError, match="cannot be written: No space left on device"):
        download(served[0], str(target), "sha256", DIGEST)
    assert left(target) == []


def test_other_schemes_are_refused(target: Path) -> None:
    with pytest.raises(HardwayError, match="only https, http and file"):
        download("ftp://example.org/tool", str(target), "sha256", DIGEST)
