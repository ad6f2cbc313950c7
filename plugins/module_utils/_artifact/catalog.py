# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wanted binaries, and their possible locations on the controller."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle as bundles
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import shown
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# e_machine of an ELF header: a binary of another architecture must not be taken for the wanted one.
MACHINES = {0x3E: "amd64", 0xB7: "arm64"}


@dataclass(frozen=True)
class Source:
    """Where binaries come from; role cluster defines it as ``cluster_artifacts``."""

    cache_dir: str
    catalog: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, Any] = field(default_factory=dict)
    mirror_url: str = ""
    binary_dir: str = ""
    architecture: str = "amd64"
    download_from: str = "controller"
    compression: str = "auto"
    bundle: str = ""


@dataclass(frozen=True)
class Binary:
    """One binary of one version of a component, and the directory of its link on a host."""

    component: str
    version: str
    name: str
    dest: str = "/usr/local/bin"


@dataclass(frozen=True)
class Archive:
    """The download that contains a binary. ``path`` is its path in the cache, ``url`` its current source."""

    component: str
    version: str
    url: str
    path: str
    digest: str
    members: Mapping[str, str]

    @property
    def packed(self) -> bool:
        """False when the download is the binary itself."""
        return self.path.endswith((".tar.gz", ".tgz"))


@dataclass(frozen=True)
class Local:
    """A verified binary on the controller. ``label`` names its directory on the hosts."""

    path: str
    size: int
    sha256: str
    label: str


def source(given: Mapping[str, Any]) -> Source:
    """Return the Source for the option ``source``."""
    known = {key: given[key] for key in Source.__dataclass_fields__ if given.get(key)}
    if "cache_dir" not in known:
        raise HardwayError("source: no cache_dir; set a directory on the controller for verified downloads")
    for key in ("cache_dir", "binary_dir", "bundle"):
        known[key] = os.path.abspath(os.path.expanduser(known[key])) if known.get(key) else ""
    if known["bundle"]:
        # It replaces all other sources, so that nothing is downloaded.
        directory = bundles.directory_of(bundles.read(known["bundle"]), known["cache_dir"])
        kept = {key: known[key] for key in ("cache_dir", "bundle", "architecture", "compression") if key in known}
        return Source(**kept, binary_dir=os.path.join(directory, "binaries"))
    return Source(**known)


def binaries(components: Iterable[Mapping[str, Any]]) -> list[Binary]:
    """Return the unique binaries of the option ``components``."""
    wanted = [
        Binary(part["name"], str(part["version"]), name, part.get("dest") or "/usr/local/bin")
        for part in components
        for name in part["binaries"]
    ]
    return list(dict.fromkeys(wanted))


def archive(src: Source, component: str, version: str) -> Archive | None:
    """Return the download for a component, or None if it is not in the catalog."""
    entry = src.catalog.get(component)
    if not entry:
        return None
    fill = {"version": version, "arch": src.architecture}
    url = _fill(entry["url"], fill)
    parts = urlsplit(url)
    place = parts.netloc + parts.path
    digest = ""
    for known in (entry.get("digests") or {}, src.digests.get(component) or {}):
        digest = str((known.get(version) or {}).get(src.architecture) or digest)
    members = {name: _fill(path, fill) for name, path in (entry.get("members") or {}).items()}
    get = f"{str(src.mirror_url).rstrip('/')}/{place}" if src.mirror_url else url
    return Archive(component, version, get, os.path.join(src.cache_dir, place), digest, members)


def _fill(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def places(src: Source, binary: Binary) -> list[str]:
    """Return the possible paths of a binary in binary_dir, in order of priority."""
    if not src.binary_dir:
        return []
    directory = os.path.join(src.binary_dir, src.architecture) if src.bundle else src.binary_dir
    inner = [(binary.version, binary.name), (binary.component, binary.name), (binary.name,)]
    return [os.path.join(directory, *parts) for parts in inner]


def path_in_binary_dir(src: Source, binary: Binary) -> str:
    """Return the binary's path in binary_dir, or nothing; one of another architecture does not count."""
    for path in places(src, binary):
        if os.path.isfile(path) and machine(path) in ("", src.architecture):
            return path
    return ""


def machine(path: str) -> str:
    """Return the architecture an ELF file is for; nothing for a script or an unknown one."""
    with open(path, "rb") as stream:
        head = stream.read(20)
    return MACHINES.get(int.from_bytes(head[18:20], "little"), "other") if head[:4] == b"\x7fELF" else ""


def unpacked_dir(src: Source, download: Archive) -> str:
    """Return the directory of a download's members; its name contains the digest."""
    return os.path.join(src.cache_dir, "unpacked", download.digest.replace(":", "-")[:40])


def host_downloads(src: Source, wanted: Iterable[Binary]) -> list[dict[str, Any]]:
    """Return what a host downloads itself, as HostDownload takes it; nothing whose digest is unknown."""
    found: list[dict[str, Any]] = []
    if src.download_from != "hosts":
        return found
    for (component, version), names in grouped(b for b in wanted if not path_in_binary_dir(src, b)).items():
        download = archive(src, component, version)
        if download and download.digest:
            members = {name: download.members.get(name, "") if download.packed else "" for name in names}
            known = {name: path for name, path in members.items() if path or not download.packed}
            entry = {"component": component, "version": version, "url": download.url, "digest": download.digest}
            found.append({**entry, "members": known})
    return found


def for_controller(src: Source, wanted: Iterable[Binary]) -> list[Binary]:
    """Return what the controller must provide or refuse, because the hosts cannot download it."""
    wanted = list(wanted)
    downloads = {(each["component"], each["version"]): each["members"] for each in host_downloads(src, wanted)}
    return [
        binary
        for binary in wanted
        if path_in_binary_dir(src, binary) or binary.name not in downloads.get((binary.component, binary.version), {})
    ]


def grouped(wanted: Iterable[Binary]) -> dict[tuple[str, str], list[str]]:
    """Return the names of binaries by component and version."""
    groups: dict[tuple[str, str], list[str]] = {}
    for binary in wanted:
        groups.setdefault((binary.component, binary.version), []).append(binary.name)
    return groups


def missing_download(src: Source, component: str, version: str, names: list[str], reason: str) -> str:
    """Return the line for a missing download, with its source and target path."""
    if src.bundle:
        had = ", ".join(bundles.read(src.bundle).versions(component)) or "none"
        return (
            f"{component} {version} ({src.architecture}): {', '.join(names)}: not in the bundle {src.bundle}, which has"
            f" {component} {had}. Remedy: create a bundle with these versions by playbooks/bundle.yml, or set the"
            " versions of the bundle in the inventory"
        )
    download = archive(src, component, version)
    what = f"{component} {version} ({src.architecture}): {', '.join(names)}: {reason}."
    ways = []
    if download and download.digest:
        ways.append(f"put {shown(download.url)} at {download.path}")
    elif download:
        ways.append(f"give its digest in cluster_artifact_digests for {shown(download.url)}")
    if src.binary_dir:
        ways.append(f"put the binaries into {os.path.join(src.binary_dir, version)}/")
    else:
        ways.append(f"set cluster_binary_dir to a directory with {version}/{names[0]} and so on")
    return f"{what} Remedy: {', or '.join(ways)}"
