# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: one tar archive of binaries, image archives and documents. Its first file lists the others by digest."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import time
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache_locks import locked
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.free_space import require_room

FORMAT = 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
# In an unpacked bundle: the archives that were verified, and the state of each file.
RECORD = ".verified.json"
CHUNK = 1 << 20
# 1980: tar warns of an older time, and the time of a run would change the bytes.
TIME = 315532800
# Seconds after which an unused unpacked bundle is removed.
KEPT = 30 * 86400.0
DIGEST = re.compile(r"[0-9a-f]{64}")
COPY_AGAIN = "copy it again, or create it again with playbooks/bundle.yml"


@dataclass(frozen=True)
class Part:
    """A file of a bundle: a file of the controller, or a text. ``about`` describes it in the manifest."""

    path: str
    sha256: str
    size: int
    about: Mapping[str, t.Any] = field(default_factory=dict)
    source: str = ""
    text: bytes = b""

    @property
    def entry(self) -> dict[str, t.Any]:
        """Return its entry in the manifest."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size, **self.about}


@dataclass(frozen=True)
class Manifest:
    """What a bundle contains. ``identity`` is the digest of the manifest, which covers all files."""

    bundle: str
    identity: str
    about: Mapping[str, t.Any]
    files: Mapping[str, Mapping[str, t.Any]]

    def of_kind(self, kind: str) -> list[Mapping[str, t.Any]]:
        """Return the entries of one kind: binary, image or document."""
        return [entry for entry in self.files.values() if entry.get("kind") == kind]

    def images(self) -> list[str]:
        """Return the names of all images."""
        return sorted({name for entry in self.of_kind("image") for name in entry["images"]})

    def lacking(self, images: Iterable[str]) -> list[str]:
        """Return the images that are not in the bundle, although it was not created without them."""
        known = {*self.images(), *(self.about.get("missing_images") or ())}
        return [name for name in images if name not in known]

    def versions(self, component: str) -> list[str]:
        """Return the versions of a component, each with its architecture."""
        found = [entry for entry in self.of_kind("binary") if entry["component"] == component]
        return sorted({f"{entry['version']} ({entry['architecture']})" for entry in found})


def absolute(path: str) -> str:
    """Return a path of the controller, as records have it."""
    return os.path.abspath(os.path.expanduser(path))


def text_part(path: str, text: str) -> Part:
    """Return a part for a text."""
    data = text.encode()
    return Part(path, digests.of_bytes(data), len(data), {"kind": "document"}, text=data)


def manifest_of(parts: Iterable[Part], about: Mapping[str, t.Any]) -> bytes:
    """Return the manifest of a bundle."""
    content = {"format": FORMAT, **about, "files": [part.entry for part in parts]}
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def with_sums(parts: Iterable[Part]) -> list[Part]:
    """Return the parts in their order in the bundle, with the file that sha256sum checks; documents come first."""
    ordered = sorted(parts, key=lambda part: (part.about["kind"] != "document", part.path))
    return [text_part(SUMS, "".join(f"{part.sha256}  {part.path}\n" for part in ordered)), *ordered]


def create(path: str, parts: Iterable[Part], about: Mapping[str, t.Any]) -> bool:
    """Write a bundle, unless an intact one with the same content is there; return whether it was written."""
    ordered = with_sums(parts)
    data = manifest_of(ordered, about)
    if is_same(path, data):
        return False
    partial = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.part")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        require_room(
            Path(path).parent, sum(part.size for part in ordered), "the bundle", "make room, or set another bundle_file"
        )
        with open(partial, "ab") as out:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise HardwayError(f"{path}: another run writes it; wait until that has ended") from exc
            out.truncate(0)
            _write(out, [Part(MANIFEST, "", len(data), text=data), *ordered])
            out.flush()
            os.fsync(out.fileno())
            os.replace(partial, path)
    except OSError as exc:
        raise HardwayError(
            f"{exc.filename or path}: cannot be read or written: {exc.strerror}; see the bundle_file {path}"
        ) from exc
    return True


def _write(out: t.BinaryIO, parts: Iterable[Part]) -> None:
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for part in parts:
            info = tarfile.TarInfo(part.path)
            info.size, info.mtime = part.size, TIME
            info.mode = 0o755 if part.about.get("kind") == "binary" else 0o644
            with open(part.source, "rb") if part.source else io.BytesIO(part.text) as stream:
                reader = _Reader(stream)
                try:
                    archive.addfile(info, reader)
                except OSError as exc:
                    if part.source and os.path.getsize(part.source) < part.size:
                        raise HardwayError(f"{part.source}: changed during this run; run again") from exc
                    raise
                if part.sha256 and reader.sha256() != part.sha256:
                    raise HardwayError(f"{part.source or part.path}: changed during this run; run again")


class _Reader:
    """A file that digests what is read of it."""

    def __init__(self, stream: t.Any) -> None:
        self._stream, self._found = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = bytes(self._stream.read(size))
        self._found.update(data)
        return data

    def sha256(self) -> str:
        return self._found.hexdigest()


def is_same(path: str, manifest: bytes) -> bool:
    """Return whether an intact bundle with this manifest is at a path."""
    try:
        found = read(path)
        if found.identity != digests.of_bytes(manifest):
            return False
        _verify(found)
    except HardwayError:
        return False
    return True


def read(path: str) -> Manifest:
    """Return the manifest of a bundle; nothing else is read."""
    with _archive(path) as archive:
        first = archive.next()
        stream = archive.extractfile(first) if first and first.name == MANIFEST and first.isreg() else None
        if stream is None:
            raise HardwayError(f"{path}: is not a bundle, because {MANIFEST} is not its first file; {COPY_AGAIN}")
        data = stream.read()
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise HardwayError(
                f"{path}: has format {content['format']}, not {FORMAT}; create it with this version of the collection"
            )
        files = {_safe(entry): entry for entry in content.pop("files")}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise HardwayError(f"{path}: its {MANIFEST} cannot be read ({exc}); {COPY_AGAIN}") from exc
    return Manifest(path, digests.of_bytes(data), content, files)


def _safe(entry: Mapping[str, t.Any]) -> str:
    """Return the path of an entry; raise ValueError if it is not one below the bundle, or lacks a digest."""
    path = str(entry["path"])
    normal = os.path.normpath(path)
    if path != normal or os.path.isabs(path) or path.startswith("..") or path in (".", MANIFEST, RECORD):
        raise ValueError(f"path {path!r}")
    if not DIGEST.fullmatch(str(entry["sha256"])) or int(entry["size"]) < 0:
        raise ValueError(f"digest or size of {path}")
    return path


@contextlib.contextmanager
def _archive(path: str) -> Iterator[tarfile.TarFile]:
    """Open a bundle for one pass."""
    try:
        # Plain tar only, in one pass.
        with tarfile.open(path, "r|") as archive:
            yield archive
    except FileNotFoundError as exc:
        raise HardwayError(f"{path}: no such bundle; create it with playbooks/bundle.yml, or set another path") from exc
    except (tarfile.TarError, EOFError) as exc:
        raise HardwayError(f"{path}: is damaged or incomplete ({exc}); {COPY_AGAIN}") from exc
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be read: {exc.strerror}; {COPY_AGAIN}") from exc


def _verify(manifest: Manifest, into: str = "") -> None:
    """Compare all files of a bundle with its manifest, and unpack them into a directory if one is given."""
    pending, problems = dict(manifest.files), []
    with _archive(manifest.bundle) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            entry = pending.pop(member.name, None)
            if member.name == MANIFEST and stream and digests.of_bytes(stream.read()) == manifest.identity:
                continue
            if entry is None or stream is None:
                problems.append(f"{member.name} is not in the manifest, or there twice")
                continue
            sha = _copied(stream, os.path.join(into, member.name) if into else "", member.mode)
            if sha != entry["sha256"]:
                problems.append(f"{member.name} has sha256 {sha}, not {entry['sha256']} as in its manifest")
    problems += [f"{path} is missing" for path in pending]
    if problems:
        raise HardwayError(f"{manifest.bundle}: {'; '.join(problems)}; {COPY_AGAIN}")


def _copied(stream: t.IO[bytes], path: str, mode: int) -> str:
    """Return the digest of a stream, and write it to a path if one is given."""
    reader = _Reader(stream)
    if not path:
        while reader.read(CHUNK):
            pass
        return reader.sha256()
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        out = open(path, "wb")  # noqa: SIM115
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be written: {exc.strerror}; set another cluster_cache_dir") from exc
    with out:
        os.fchmod(out.fileno(), 0o755 if mode & 0o100 else 0o644)
        while data := reader.read(CHUNK):
            try:
                out.write(data)
            except OSError as exc:
                raise HardwayError(f"{path}: cannot be written: {exc.strerror}; make room") from exc
    return reader.sha256()


def directory_of(manifest: Manifest, cache_dir: str) -> str:
    """Return the directory of an unpacked bundle; its name has the digest of the manifest."""
    return os.path.join(cache_dir, "bundles", manifest.identity[:40])


def unpack(path: str, cache_dir: str, sha256: str = "") -> tuple[Manifest, bool]:
    """Ensure that a bundle is verified and unpacked; return its manifest, and whether it was unpacked now.

    What was verified is not read again while size and time of the archive and of all unpacked files stay the same.
    """
    manifest = read(path)
    directory = directory_of(manifest, cache_dir)
    with locked(cache_dir, directory):
        record = _record(directory)
        complete = bool(record) and all(record["files"].get(name) == _state(directory, name) for name in manifest.files)
        known = record.get("archives", {}).get(path, [])
        state = _state(path)
        if complete and known[:2] == state and sha256 in ("", *known[2:]):
            os.utime(os.path.join(directory, RECORD))
            return manifest, False
        if sha256 and (found := digests.of_file(path)) != sha256:
            raise HardwayError(f"{path}: has sha256 {found}, not {sha256} (cluster_bundle_sha256); {COPY_AGAIN}")
        if complete:
            _verify(manifest)
        else:
            _unpack(manifest, directory)
        archives = {**record.get("archives", {}), path: [*state, *([sha256] if sha256 else [])]}
        files = {name: _state(directory, name) for name in manifest.files}
        data = json.dumps({"archives": archives, "files": files}, indent=1, sort_keys=True).encode()
        atomic_files.write(os.path.join(directory, RECORD), data, mode=0o644)
    _remove_unused(os.path.dirname(directory))
    return manifest, not complete


def _unpack(manifest: Manifest, directory: str) -> None:
    scratch = f"{directory}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    size = sum(int(entry["size"]) for entry in manifest.files.values())
    require_room(Path(scratch), size, "the unpacked bundle", "make room, or set another cluster_cache_dir")
    try:
        _verify(manifest, scratch)
        shutil.rmtree(directory, ignore_errors=True)
        os.rename(scratch, directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_unused(parent: str) -> None:
    """Remove unpacked bundles that no run has used for long, and what interrupted runs left so long ago."""
    for entry in os.scandir(parent):
        with contextlib.suppress(FileNotFoundError):
            record = os.path.join(entry.path, RECORD)
            if os.stat(record if os.path.exists(record) else entry.path).st_mtime < time.time() - KEPT:
                shutil.rmtree(entry.path, ignore_errors=True)


def _record(directory: str) -> dict[str, t.Any]:
    try:
        return dict(json.loads(atomic_files.read(os.path.join(directory, RECORD)) or b"{}"))
    except ValueError:
        return {}


def _state(*path: str) -> list[int]:
    """Return size and time of a file; nothing if it is not there."""
    try:
        info = os.stat(os.path.join(*path))
    except FileNotFoundError:
        return []
    return [info.st_size, info.st_mtime_ns]


def content(path: str, cache_dir: str) -> dict[str, t.Any]:
    """Return where an unpacked bundle is, its image archives there, and the image of the network test."""
    manifest = read(path)
    directory = directory_of(manifest, cache_dir)
    return {
        "directory": directory,
        "image_archives": [os.path.join(directory, entry["path"]) for entry in manifest.of_kind("image")],
        "verify_image": str(manifest.about.get("verify_image") or ""),
    }
