# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's cache of binaries: downloads, verifies and unpacks them, one process at a time per file."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import catalog
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache_locks import locked
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.catalog import Archive, Binary, Local, Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import Unreachable, download, shown
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.unpack import extract
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

CHUNK = 1 << 20
# Bytes a second of one processor, and the part that remains, as measured with programs in Go and gzip -1.
COMPRESSING, DECOMPRESSING, REMAINING = 50e6, 160e6, 0.4
# How much longer the sending that is saved must take than this work, for a busy machine needs longer for it.
MARGIN = 1.5
# Seconds after which an unused compressed copy is removed.
KEPT = 30 * 86400.0


def compression_pays(rate: float, *, prepared: bool) -> bool:
    """Return whether a compressed copy arrives earlier at so many bytes a second; never at a rate of 0, an unknown one.

    Unless it is prepared, the host waits for the compression too.
    """
    spent = 1 / DECOMPRESSING + (0 if prepared else 1 / COMPRESSING)
    return rate > 0 and MARGIN * spent < (1 - REMAINING) / rate


class ArtifactCache:
    """Provides verified local files for binaries."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._silent: dict[str, str] = {}
        self.downloaded: list[str] = []
        self.bytes_downloaded = 0

    def local(self, binary: Binary) -> Local | None:
        """Return the binary if it is available on the controller, without downloading or unpacking."""
        path = catalog.path_in_binary_dir(self.source, binary)
        if path:
            sha = self._digest(path, "sha256")
            return Local(path, os.path.getsize(path), sha, f"{binary.version}-{sha[:12]}")
        held = catalog.archive(self.source, binary.component, binary.version)
        if not held or not held.digest:
            return None
        return self._plain(held, binary) if not held.packed else self._member(held, binary)

    def fetch(self, wanted: Iterable[Binary]) -> tuple[dict[Binary, Local], list[str]]:
        """Return all available binaries, and one line for each failed download."""
        wanted, had, problems = list(wanted), {}, []
        for (component, version), names in catalog.grouped(wanted).items():
            group = [binary for binary in wanted if (binary.component, binary.version) == (component, version)]
            try:
                if any(not catalog.path_in_binary_dir(self.source, binary) for binary in group):
                    self._provide(component, version, names)
                for binary in group:
                    found = self.local(binary)
                    if found is None:
                        raise HardwayError(f"{binary.name} is not in the download")
                    had[binary] = found
            except HardwayError as exc:
                lacking = [b.name for b in group if b not in had and not catalog.path_in_binary_dir(self.source, b)]
                problems.append(catalog.missing_download(self.source, component, version, lacking or names, str(exc)))
        return had, problems

    def _provide(self, component: str, version: str, names: list[str]) -> None:
        """Ensure the component's download in the cache, verified and unpacked; raise on failure."""
        held = catalog.archive(self.source, component, version)
        if held is None:
            raise HardwayError("no download is known")
        if not held.digest:
            raise HardwayError("its digest is unknown, and unverified files are not installed")
        if absent := [name for name in names if held.packed and name not in held.members]:
            raise HardwayError(f"{', '.join(absent)} is not in the download")
        algorithm, _colon, wanted = held.digest.partition(":")
        with self._lock(held.path):
            if os.path.isfile(held.path) and self._digest(held.path, algorithm, locked=True) != wanted:
                os.unlink(held.path)
                shutil.rmtree(catalog.unpacked_dir(self.source, held), ignore_errors=True)
            if not os.path.isfile(held.path):
                if held.packed and all(self._member(held, Binary(component, version, name)) for name in names):
                    return
                self._download(held, algorithm, wanted)
            if held.packed and not all(self._member(held, Binary(component, version, name)) for name in names):
                self._unpack(held)

    def _download(self, held: Archive, algorithm: str, wanted: str) -> None:
        place = urlsplit(shown(held.url)).netloc
        if place in self._silent:
            raise HardwayError(self._silent[place])
        os.makedirs(os.path.dirname(held.path), exist_ok=True)
        try:
            self.bytes_downloaded += download(held.url, held.path, algorithm, wanted)
        except Unreachable as exc:
            # Further downloads from that server would run into the same timeout.
            self._silent[place] = str(exc)
            raise
        self._remember(held.path, algorithm, wanted)
        self.downloaded.append(held.path)

    def _unpack(self, held: Archive) -> None:
        """Extract all members listed in the catalog from an archive, in one pass."""
        target = catalog.unpacked_dir(self.source, held)
        scratch = f"{target}.part"
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch)
        try:
            sums = extract(held.path, held.members, scratch)
        except HardwayError:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        atomic_files.write(os.path.join(scratch, "sha256.json"), json.dumps(sums).encode(), mode=0o644)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(scratch, target)
        for name, sha in sums.items():
            self._remember(os.path.join(target, name), "sha256", sha)

    def compressed_path(self, local: Local) -> str:
        """Return the path of a file's compressed copy."""
        return os.path.join(self.source.cache_dir, "compressed", f"{local.sha256}.gz")

    def compressed(self, local: Local) -> str:
        """Ensure the compressed copy of a file and return its path; copies that were not used for long are removed."""
        path = self.compressed_path(local)
        with self._lock(path):
            if os.path.isfile(path):
                os.utime(path)
                return path
            try:
                self._compress(local, path)
            except OSError as exc:
                raise HardwayError(
                    f"{path}: cannot be written: {exc.strerror}; make room, or set cluster_upload_compression: never"
                ) from exc
        for entry in os.scandir(os.path.dirname(path)):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - KEPT:
                    os.unlink(entry.path)
        return path

    @staticmethod
    def _compress(local: Local, path: str) -> None:
        """Write a compressed copy, unless the file is no longer the one whose digest is known."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        found, partial = hashlib.sha256(), f"{path}.part"
        try:
            with open(local.path, "rb") as source, gzip.open(partial, "wb", compresslevel=1) as out:
                while chunk := source.read(CHUNK):
                    found.update(chunk)
                    out.write(chunk)
            if found.hexdigest() != local.sha256:
                raise HardwayError(f"{local.path}: changed during this run; run again")
            os.replace(partial, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)

    def _plain(self, held: Archive, binary: Binary) -> Local | None:
        algorithm, _colon, wanted = held.digest.partition(":")
        if not os.path.isfile(held.path) or self._digest(held.path, algorithm) != wanted:
            return None
        return Local(held.path, os.path.getsize(held.path), self._digest(held.path, "sha256"), binary.version)

    def _member(self, held: Archive, binary: Binary) -> Local | None:
        """Return an unpacked member, if it is unchanged."""
        directory = catalog.unpacked_dir(self.source, held)
        path, record = os.path.join(directory, binary.name), atomic_files.read(os.path.join(directory, "sha256.json"))
        if record is None or not os.path.isfile(path):
            return None
        sha = json.loads(record).get(binary.name)
        if self._digest(path, "sha256", locked=True) != sha:
            return None
        return Local(path, os.path.getsize(path), sha, binary.version)

    def _digest(self, path: str, algorithm: str, locked: bool = False) -> str:
        """Return a file's digest; cached by size and time of change."""
        known = self._remembered(path, algorithm)
        if known:
            return known
        with contextlib.nullcontext() if locked else self._lock(path):
            known = self._remembered(path, algorithm)
            if not known:
                known = digests.of_file(path, algorithm)
                self._remember(path, algorithm, known)
        return known

    def _memo_path(self) -> str:
        return os.path.join(self.source.cache_dir, "digests.json")

    def _memo(self) -> dict[str, list]:
        try:
            return json.loads(atomic_files.read(self._memo_path()) or b"{}")
        except ValueError:
            return {}

    def _remembered(self, path: str, algorithm: str) -> str:
        info = os.stat(path)
        size, changed, digest = self._memo().get(f"{algorithm}:{path}", [0, 0, ""])
        return digest if (size, changed) == (info.st_size, info.st_mtime_ns) else ""

    def _remember(self, path: str, algorithm: str, digest: str) -> None:
        info = os.stat(path)
        with self._lock(self._memo_path()):
            memo = self._memo()
            memo[f"{algorithm}:{path}"] = [info.st_size, info.st_mtime_ns, digest]
            data = json.dumps(memo, indent=1, sort_keys=True).encode()
            atomic_files.write(self._memo_path(), data, mode=0o644)

    def _lock(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Lock a file against the workers of other hosts."""
        return locked(self.source.cache_dir, path)
