# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated host remembers between calls: a digest for each path, and what started its units."""

from __future__ import annotations

import fcntl
import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ABSENT = "absent"
# Files whose text other modules read on a real host.
READ = (
    *("/etc/systemd/system/", "/etc/kubernetes/encryption", "/etc/kubernetes/pki/sa", "/etc/kubernetes/hardway-"),
    *("/var/lib/kubelet/config.yaml", "/etc/containerd/config.toml"),
)


def digest(*parts: Any) -> str:
    """Return a short digest of plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@dataclass
class Host:
    """The state of one host. A path's digest covers its content, mode and owner; of a link its target."""

    address: str
    paths: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    binaries: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    # The digests of a unit's inputs when it started.
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    # By path without suffix: the digest of the options, and what reports say of it.
    certificates: dict[str, dict[str, Any]] = field(default_factory=dict)
    trust: dict[str, dict[str, Any]] = field(default_factory=dict)
    kubeconfigs: dict[str, dict[str, Any]] = field(default_factory=dict)
    kernel: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    salt: str = ""
    # By key: the result, and the digests of its evidence.
    cached: dict[str, tuple[dict[str, Any], dict[str, str]]] = field(default_factory=dict)
    # The mark of module up_to_date: inputs, and the cached results on which the tasks relied.
    mark: dict[str, Any] = field(default_factory=dict)

    def at(self, path: str) -> str:
        """Return the digest of a path, of a directory named with a slash that of all below it."""
        if path.endswith("/"):
            return digest(sorted((name, now) for name, now in self.paths.items() if name.startswith(path)))
        return self.paths.get(path, ABSENT)

    def remember(self, key: str | None, result: dict[str, Any], evidence: Iterable[str]) -> None:
        """Store a cached result, as modules do where nothing is left to change."""
        if key:
            self.cached[key] = (result, {name: self.evidence(name) for name in evidence})

    def evidence(self, name: str) -> str:
        """Return what must stay the same: a path's digest, or what a unit was started from."""
        return digest(self.units.get(name)) if name.startswith("unit:") else self.at(name)

    def valid(self) -> dict[str, dict[str, Any]]:
        """Return the cached results whose evidence is unchanged."""
        return {
            key: result
            for key, (result, evidence) in self.cached.items()
            if all(self.evidence(name) == now for name, now in evidence.items())
        }


class Stored:
    """The states of all hosts and of what they share, below one directory."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; it may be empty."""
        self.directory = directory

    @contextmanager
    def host(self, address: str) -> Iterator[Host]:
        """Read a host's state, and write it if it has changed; other tasks of the same host wait."""
        with self._opened(f"host-{address}", Host(address)) as found:
            yield found

    @contextmanager
    def cluster(self) -> Iterator[dict[str, Any]]:
        """Read and write what all hosts share: what the API has."""
        with self._opened("cluster", {}) as found:
            yield found

    def register(self, node: str) -> None:
        """Note a Node object. A file of its own, because many nodes join at the same time."""
        place = self.directory / "nodes"
        place.mkdir(parents=True, exist_ok=True)
        (place / node).touch()

    def nodes(self) -> list[str]:
        """Return the names of the Node objects."""
        place = self.directory / "nodes"
        return sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []

    @contextmanager
    def _opened(self, name: str, new: Any) -> Iterator[Any]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / name).open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            before = file.read()
            # Written by this program alone.
            found = pickle.loads(before) if before else new  # noqa: S301
            yield found
            after = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
            if after != before:
                file.seek(0)
                file.truncate()
                file.write(after)
