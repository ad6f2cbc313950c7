# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: what is written is read again, and whatever was tampered with, lost or cut off is named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.bundle import Part
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

ABOUT = {"cluster": "prod", "version": "1.36.2", "missing_images": ["example.org/left:1"], "verify_image": ""}
KUBELET, IMAGE = "binaries/amd64/1.36.2/kubelet", "images/pause.tar"
# Larger than a block of tar, and than what is read at once.
SIZE = (1 << 20) + 700


def parts(directory: Path) -> list[Part]:
    """Return a binary, an image archive and a document."""
    directory.mkdir(exist_ok=True)
    found = [bundle.text_part("packages.json", "{}\n")]
    kinds: dict[str, dict[str, Any]] = {
        KUBELET: {"kind": "binary", "component": "kubernetes", "version": "1.36.2", "architecture": "amd64"},
        IMAGE: {"kind": "image", "images": ["registry.k8s.io/pause:3.10.2"]},
    }
    for path, about in kinds.items():
        source = directory / path.rpartition("/")[2]
        source.write_bytes(path.encode() + bytes(SIZE))
        sha = hashlib.sha256(source.read_bytes()).hexdigest()
        found.append(Part(path, sha, source.stat().st_size, about, source=str(source)))
    return found


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a bundle."""
    path = tmp_path / "prod.tar"
    assert bundle.create(str(path), parts(tmp_path / "in"), ABOUT)
    return path


def rewritten(path: Path, change: Any) -> None:
    """Write an archive again, each member as change returns it; nothing for one that is left out."""
    with tarfile.open(path) as archive:
        read = [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as archive:
        for member, data in read:
            for info, content in change(member, data):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def refused(path: Path, tmp_path: Path, *words: str, sha256: str = "") -> str:
    """Require one error with these words, and that nothing was unpacked."""
    with pytest.raises(HardwayError) as found:
        bundle.unpack(str(path), str(tmp_path / "cache"), sha256)
    assert all(word in str(found.value) for word in (str(path), *words)), found.value
    assert [*tmp_path.glob("cache/bundles/*")] == []
    return str(found.value)


def test_what_is_written_is_unpacked(made: Path, tmp_path: Path) -> None:
    manifest, unpacked = bundle.unpack(str(made), str(tmp_path / "cache"))
    place = Path(bundle.directory_of(manifest, str(tmp_path / "cache")))
    assert unpacked and manifest.about == {"format": 1, **ABOUT}
    assert (place / KUBELET).read_bytes() == (tmp_path / "in" / "kubelet").read_bytes()
    assert ((place / KUBELET).stat().st_mode & 0o777, (place / IMAGE).stat().st_mode & 0o777) == (0o755, 0o644)
    assert manifest.versions("kubernetes") == ["1.36.2 (amd64)"] and manifest.versions("etcd") == []
    assert manifest.lacking(["registry.k8s.io/pause:3.10.2", "example.org/left:1", "other:1"]) == ["other:1"]
    found = bundle.content(str(made), str(tmp_path / "cache"))
    assert found == {"directory": str(place), "image_archives": [str(place / IMAGE)], "verify_image": ""}


def test_the_same_inputs_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = parts(tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere").iterdir():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    other = tmp_path / "other.tar"
    assert bundle.create(str(other), reversed(again), ABOUT)
    assert other.read_bytes() == made.read_bytes()


def test_an_intact_bundle_is_not_written_again(made: Path, tmp_path: Path) -> None:
    before = made.stat()
    assert not bundle.create(str(made), parts(tmp_path / "in"), ABOUT)
    assert made.stat().st_ino == before.st_ino
    assert bundle.create(str(made), parts(tmp_path / "in"), {**ABOUT, "version": "1.36.3"})
    whole = made.read_bytes()
    made.write_bytes(whole[:-SIZE])
    assert bundle.create(str(made), parts(tmp_path / "in"), {**ABOUT, "version": "1.36.3"})
    assert made.read_bytes() == whole


def test_an_interrupted_run_leaves_no_bundle(tmp_path: Path) -> None:
    given, path = parts(tmp_path / "in"), tmp_path / "prod.tar"
    (tmp_path / "in" / "pause.tar").write_bytes(b"other" + bytes(SIZE + len(IMAGE) - 5))
    with pytest.raises(HardwayError, match=r"pause\.tar: changed during this run"):
        bundle.create(str(path), given, ABOUT)
    assert not path.exists()
    (tmp_path / ".prod.tar.part").write_bytes(bytes(10 * SIZE))
    assert bundle.create(str(path), parts(tmp_path / "in"), ABOUT)
    assert [one.name for one in tmp_path.glob("*prod*")] + [*tmp_path.glob(".*")] == ["prod.tar"]
    bundle.unpack(str(path), str(tmp_path / "cache"))


def test_a_killed_run_leaves_no_bundle(tmp_path: Path) -> None:
    given, path, partial = parts(tmp_path / "in"), tmp_path / "prod.tar", tmp_path / ".prod.tar.part"
    source = tmp_path / "in" / "pause.tar"
    whole = source.read_bytes()
    source.unlink()
    # What reads it waits for the rest.
    os.mkfifo(source)
    child = os.fork()
    if child == 0:
        bundle.create(str(path), given, ABOUT)
        os._exit(0)
    with source.open("wb", buffering=0) as pipe:
        pipe.write(whole[: SIZE // 2])
        with pytest.raises(HardwayError, match="another run writes it"):
            bundle.create(str(path), given[:1], ABOUT)
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert partial.stat().st_size > SIZE and not path.exists()
    source.unlink()
    source.write_bytes(whole)
    assert bundle.create(str(path), given, ABOUT)
    assert not partial.exists()
    bundle.unpack(str(path), str(tmp_path / "cache"))


def test_a_file_that_shrinks_meanwhile_is_named(tmp_path: Path) -> None:
    given = parts(tmp_path / "in")
    (tmp_path / "in" / "pause.tar").write_bytes(b"short")
    with pytest.raises(HardwayError, match=r"pause\.tar: changed during this run"):
        bundle.create(str(tmp_path / "prod.tar"), given, ABOUT)


def test_a_tampered_file_is_named(made: Path, tmp_path: Path) -> None:
    data = bytearray(made.read_bytes())
    data[data.index(KUBELET.encode() + bytes(100)) + 50] ^= 1
    made.write_bytes(data)
    error = refused(made, tmp_path, f"{KUBELET} has sha256 ", "in its manifest", "copy it again")
    assert IMAGE not in error


def test_missing_and_unknown_files_are_named(made: Path, tmp_path: Path) -> None:
    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [] if member.name == IMAGE else [(member, data)]

    rewritten(made, change)
    refused(made, tmp_path, f"{IMAGE} is missing")

    def add(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [(member, data), *([(tarfile.TarInfo("evil"), b"x")] if member.name == KUBELET else [])]

    rewritten(made, add)
    refused(made, tmp_path, "evil is not in the manifest", f"{IMAGE} is missing")


@pytest.mark.parametrize("left", [0.001, 0.3, 0.5, 0.95])
def test_a_truncated_bundle_is_refused(made: Path, tmp_path: Path, left: float) -> None:
    data = made.read_bytes()
    made.write_bytes(data[: int(len(data) * left)])
    refused(made, tmp_path, "damaged or incomplete")


def test_the_sum_of_the_whole_archive_is_compared(made: Path, tmp_path: Path) -> None:
    right = hashlib.sha256(made.read_bytes()).hexdigest()
    refused(made, tmp_path, right, "cluster_bundle_sha256", sha256="0" * 64)
    assert bundle.unpack(str(made), str(tmp_path / "cache"), right)[1]
    # Also of one that is unpacked already.
    with pytest.raises(HardwayError, match="cluster_bundle_sha256"):
        bundle.unpack(str(made), str(tmp_path / "cache"), "0" * 64)


@pytest.mark.parametrize(
    ("path", "word"),
    [("../evil", "path '../evil'"), ("/evil", "path '/evil'"), ("a//b", "path 'a//b'"), (".verified.json", "path")],
)
def test_no_file_is_written_elsewhere(made: Path, tmp_path: Path, path: str, word: str) -> None:
    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if member.name == bundle.MANIFEST:
            data = data.replace(IMAGE.encode(), path.encode())
        elif member.name == IMAGE:
            member.name = path
        return [(member, data)]

    rewritten(made, change)
    refused(made, tmp_path, "manifest.json cannot be read", word)
    assert not (tmp_path / "evil").exists() and not (tmp_path / "cache" / "evil").exists()


def test_links_are_not_unpacked(made: Path, tmp_path: Path) -> None:
    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if member.name == IMAGE:
            member.type, member.linkname, data = tarfile.SYMTYPE, "/etc/passwd", b""
        return [(member, data)]

    rewritten(made, change)
    refused(made, tmp_path, IMAGE)


def test_other_files_are_no_bundles(tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    refused(path, tmp_path, "no such bundle", "playbooks/bundle.yml")
    path.write_bytes(b"text")
    refused(path, tmp_path, "damaged or incomplete")
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("other"))
    refused(path, tmp_path, "is not a bundle")
    content = json.dumps({"format": 2, "files": []}).encode()
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(bundle.MANIFEST)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    refused(path, tmp_path, "format 2, not 1")


def test_only_what_changed_is_read_again(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(tmp_path / "cache")
    manifest, _unpacked = bundle.unpack(str(made), cache)
    kubelet = Path(bundle.directory_of(manifest, cache)) / KUBELET
    calls: list[str] = []
    verify = bundle._verify
    monkeypatch.setattr(bundle, "_verify", lambda found, into="": (calls.append(into), verify(found, into)))
    assert not bundle.unpack(str(made), cache)[1] and calls == []
    # Another copy of the archive is verified, but not unpacked.
    copy = tmp_path / "copy.tar"
    copy.write_bytes(made.read_bytes())
    assert not bundle.unpack(str(copy), cache)[1] and calls == [""]
    # One that was damaged later is not hidden by its unpacked files.
    data = bytearray(made.read_bytes())
    data[-SIZE] ^= 1
    made.write_bytes(data)
    with pytest.raises(HardwayError, match=re.escape(IMAGE)):
        bundle.unpack(str(made), cache)
    # What was changed in the cache is unpacked again.
    kubelet.write_bytes(b"other")
    assert bundle.unpack(str(copy), cache)[1]
    assert kubelet.read_bytes() == (tmp_path / "in" / "kubelet").read_bytes()


def test_what_was_not_used_for_long_is_removed(made: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    old, _unpacked = bundle.unpack(str(made), cache)
    record = Path(bundle.directory_of(old, cache)) / bundle.RECORD
    long_ago = time.time() - bundle.KEPT - 1
    os.utime(record, (long_ago, long_ago))
    other = tmp_path / "other.tar"
    bundle.create(str(other), parts(tmp_path / "in"), {**ABOUT, "cluster": "test"})
    # It is used now.
    bundle.unpack(str(made), cache)
    bundle.unpack(str(other), cache)
    assert record.exists()
    os.utime(record, (long_ago, long_ago))
    bundle.create(str(other), parts(tmp_path / "in"), {**ABOUT, "cluster": "third"})
    bundle.unpack(str(other), cache)
    assert not record.parent.exists()
