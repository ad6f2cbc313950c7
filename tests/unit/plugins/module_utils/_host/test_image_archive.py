# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images in an archive, and whether containerd has them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import image_archive

OCI = {"manifests": [{"digest": "sha256:1", "annotations": {"io.containerd.image.name": "registry.k8s.io/pause:3.10"}}]}
DOCKER = [{"Config": "1.json", "RepoTags": ["busybox:1.36"], "Layers": []}]


def archive(path: Path, mode: str = "w", **members: Any) -> str:
    """Write an archive with these JSON members; return its path."""
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(f"./{name}.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(path)


def test_oci_archive_names_its_images(tmp_path: Path) -> None:
    found = image_archive.inspect(archive(tmp_path / "a.tar", index=OCI, manifest=DOCKER))
    assert found.images == ["registry.k8s.io/pause:3.10"]
    assert found.identity.startswith("sha256:")


def test_docker_archive_names_its_images_also_compressed(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", "w:gz", manifest=DOCKER)
    assert image_archive.inspect(path).images == ["docker.io/library/busybox:1.36"]
    assert image_archive.is_compressed(path)
    assert not image_archive.is_compressed(archive(tmp_path / "a.tar", manifest=DOCKER))


@pytest.mark.parametrize("way", ["xz", "bz2"])
def test_an_archive_that_containerd_cannot_decompress_is_refused(tmp_path: Path, way: str) -> None:
    path = archive(tmp_path / "a.tar", f"w:{way}", index=OCI)
    with pytest.raises(HardwayError, match=r"plain or gzipped.*not a gzip file"):
        image_archive.inspect(path)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "neither index.json nor manifest.json"),
        (
            {"index": {"manifests": [{"annotations": {"org.opencontainers.image.ref.name": "3.10"}}]}},
            "contains no image name",
        ),
        ({"manifest": ["?"]}, "cannot be read"),
    ],
)
def test_a_file_that_is_no_image_archive_is_refused_with_a_reason(
    tmp_path: Path, members: dict[str, Any], reason: str
) -> None:
    with pytest.raises(HardwayError, match=reason):
        image_archive.inspect(archive(tmp_path / "a.tar", **members))


def test_a_truncated_archive_is_reported_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"no tar")
    with pytest.raises(HardwayError, match="no readable"):
        image_archive.inspect(str(tmp_path / "a.tar"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("me/app:1", "docker.io/me/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("reg.example:5000/a/b:2", "reg.example:5000/a/b:2"),
        ("reg.example/a@sha256:1", "reg.example/a@sha256:1"),
    ],
)
def test_full_names(given: str, expected: str) -> None:
    assert image_archive.full_name(given) == expected


def test_a_missing_or_foreign_image_is_imported_again() -> None:
    listing = "REF TYPE DIGEST SIZE PLATFORMS LABELS\na:1 t sha256:1 1 KiB linux/amd64 -\nb:1 t sha256:9 1 KiB - -\n"
    now = image_archive.stored(listing)
    assert now == {"a:1": "sha256:1", "b:1": "sha256:9"}
    assert image_archive.is_imported(["a:1"], {"a:1": "sha256:1"}, now)
    assert not image_archive.is_imported(["b:1"], {"b:1": "sha256:2"}, now)
    assert not image_archive.is_imported(["c:1"], {"c:1": "sha256:3"}, now)
    assert not image_archive.is_imported(["a:1"], {}, now)
