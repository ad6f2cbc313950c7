# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives: complete by digest, the same each time, refused when they would not start."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dev.sandbox import image_archives
from dev.sandbox.errors import SandboxError

IMAGE = image_archives.Image(
    "registry.example/one:1", {"bin/one": b"program"}, {"bin/two": "one"}, ("/bin/one",), ("-x",), "1:1"
)


def blobs(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as whole:
        members = {member.name: whole.extractfile(member) for member in whole.getmembers()}
        return {name: handle.read() for name, handle in members.items() if handle is not None}


def by_digest(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = files["blobs/" + descriptor["digest"].replace(":", "/")]
    assert descriptor["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert descriptor["size"] == len(content)
    return content


def test_archive_is_complete_and_consistent() -> None:
    files = blobs(image_archives.archive(IMAGE, "amd64"))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads(files["index.json"])["manifests"]
    assert top["annotations"]["io.containerd.image.name"] == IMAGE.name
    manifest = json.loads(by_digest(files, top))
    config = json.loads(by_digest(files, manifest["config"]))
    assert config["config"] == {
        "Entrypoint": ["/bin/one"], "Cmd": ["-x"], "User": "1:1", "Env": ["PATH=/bin"], "WorkingDir": "/",
    }  # fmt: skip
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    layer = blobs(by_digest(files, manifest["layers"][0]))
    assert layer["bin/one"] == b"program"
    assert layer["etc/passwd"].startswith(b"root:")


def test_archive_is_reproducible() -> None:
    assert image_archives.archive(IMAGE, "amd64") == image_archives.archive(IMAGE, "amd64")
    assert image_archives.archive(IMAGE, "amd64") != image_archives.archive(IMAGE, "arm64")


def elf(kind: int) -> bytes:
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    header[32:40] = (64).to_bytes(8, "little")
    header[54:56] = (56).to_bytes(2, "little")
    header[56:58] = (1).to_bytes(2, "little")
    return bytes(header) + kind.to_bytes(4, "little") + bytes(52)


def test_static_and_dynamic_programs_are_distinguished() -> None:
    assert image_archives.is_static(elf(1))
    assert not image_archives.is_static(elf(3))
    assert not image_archives.is_static(b"#!/bin/sh\n")


def test_coredns_is_optional_and_must_be_static(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "busybox").write_bytes(elf(1))
    assert set(image_archives.wanted(tmp_path, "v1", said.append)) == {"pause", "busybox"}
    assert "coredns" in said[0]
    (tmp_path / "coredns").write_bytes(elf(1))
    assert image_archives.wanted(tmp_path, "v9", said.append)["coredns-v9"].name.endswith("coredns:v9")
    (tmp_path / "coredns").write_bytes(elf(3))
    with pytest.raises(SandboxError, match="not a static program"):
        image_archives.wanted(tmp_path, "v1", said.append)
