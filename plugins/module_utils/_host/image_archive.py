# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the index of image archives, and containerd's list of images."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


@dataclass(frozen=True)
class Archive:
    """An archive's content: the digest of its index, which covers everything in it, and its images' names."""

    identity: str
    images: list[str]


def inspect(path: str) -> Archive:
    """Return what an OCI or Docker archive, plain or compressed by gzip, holds; only its index is read."""
    try:
        # Python knows bzip2 and xz, too, but containerd, which gets the archive, does not.
        with tarfile.open(path, "r:gz" if is_compressed(path) else "r:") as archive:
            indexes = {}
            for member in archive:
                name = member.name[2:] if member.name.startswith("./") else member.name
                stream = archive.extractfile(member) if name in ("index.json", "manifest.json") else None
                if stream is not None:
                    indexes[name] = stream.read()
    except (OSError, tarfile.TarError, EOFError) as exc:
        reason = str(exc).partition("\n")[0]
        raise HardwayError(
            f"{path}: no readable archive, plain or gzipped ({reason}); use `ctr images export` or `docker save`"
        ) from exc
    # Docker writes both, old ones manifest.json only; containerd prefers the first too.
    index = indexes.get("index.json") or indexes.get("manifest.json")
    if index is None:
        raise HardwayError(
            f"{path}: has neither index.json nor manifest.json; create it with `ctr images export` or `docker save`"
        )
    try:
        images = names(json.loads(index))
    except (ValueError, AttributeError, TypeError) as exc:
        raise HardwayError(f"{path}: its index cannot be read ({exc}); create the archive again") from exc
    if not images:
        raise HardwayError(
            f"{path}: contains no image name; save it under its full name, such as registry.example.com/app:1.0"
        )
    return Archive("sha256:" + hashlib.sha256(index).hexdigest(), images)


def is_compressed(path: str) -> bool:
    """True when an archive is not a plain tar file."""
    try:
        with tarfile.open(path, "r:"):
            return False
    except tarfile.TarError:
        return True


def names(index: Any) -> list[str]:
    """Return the full image names of an OCI index or of a Docker manifest."""
    if isinstance(index, list):
        found = [tag for entry in index for tag in entry.get("RepoTags") or []]
    else:
        notes = [entry.get("annotations") or {} for entry in index.get("manifests", [])]
        keys = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
        found = [next((note[key] for key in keys if key in note), "") for note in notes]
    # A bare tag in an OCI annotation is no name.
    return sorted({full_name(name) for name in found if "/" in name or ":" in name})


def full_name(name: str) -> str:
    """Return a name with its registry, library and tag, as containerd stores it."""
    first, _slash, rest = name.partition("/")
    if not rest:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


def stored(listing: str) -> dict[str, str]:
    """Return name and digest of each image in the output of `ctr images ls`."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {row[0]: row[2] for row in rows if len(row) > 2}


def is_imported(images: list[str], remembered: dict[str, str], now: dict[str, str]) -> bool:
    """Return whether containerd still has what an earlier import left there."""
    return all(name in remembered and now.get(name) == remembered[name] for name in images)
