# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binaries on a host: <root>/<component>/<label>/<name>, with digests, and a link to the version in use."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import os
import shutil
import stat
import zlib
from dataclasses import dataclass

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

RECORD = ".sha256.json"
# The suffix of a compressed upload.
PACKED = ".gz"
CHUNK = 1 << 20
# Directories below are this collection's, also /opt/cni, which the CNI plugins have in common; the others are not.
OURS = "/opt/"
DISTRIBUTIONS = ("/opt", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin")


@dataclass(frozen=True)
class Placed:
    """One wanted binary on a host. ``sha256`` is empty if it is not available on the controller."""

    component: str
    label: str
    name: str
    dest: str
    sha256: str = ""

    def path(self, root: str) -> str:
        """Return the path of the binary."""
        return os.path.join(root, self.component, self.label, self.name)

    @property
    def link(self) -> str:
        """Return the path of the link."""
        return os.path.join(self.dest, self.name)


def present(wanted: Placed, root: str, *, reread: bool = False) -> bool:
    """Return whether the wanted binary is installed and intact.

    It costs a stat and a small read. The binary itself is read where it was touched since its digest was recorded, or
    with ``reread``; what is recorded then follows with refresh().
    """
    path = wanted.path(root)
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(info.st_mode) or stat.S_IMODE(info.st_mode) != 0o755 or info.st_uid != 0:
        return False
    size, sha, state = _record(os.path.dirname(path)).get(wanted.name, [-1, "", ""])
    if info.st_size != size or wanted.sha256 not in ("", sha):
        return False
    return (state == _state(info) and not reread) or digests.of_file(path) == sha


def refresh(wanted: Placed, root: str) -> None:
    """Record the state of a verified binary."""
    path = wanted.path(root)
    directory = os.path.dirname(path)
    record, info = _record(directory), os.lstat(path)
    if record[wanted.name][2] != _state(info):
        _write_record(directory, {**record, wanted.name: [*record[wanted.name][:2], _state(info)]})


def digest_of(path: str) -> str:
    """Return the SHA-256 of a program: as it is recorded beside one of ours, if untouched since, else by reading."""
    _size, sha, state = _record(os.path.dirname(path)).get(os.path.basename(path), [-1, "", ""])
    return sha if sha and state == _state(os.stat(path)) else digests.of_file(path)


def _state(info: os.stat_result) -> str:
    """Return the identity of an unchanged file; its status change time cannot be set by programs."""
    return f"{info.st_ino}:{info.st_mtime_ns}:{info.st_ctime_ns}"


def linked(wanted: Placed, root: str) -> str:
    """Return the current target of the link; empty without a link."""
    try:
        return os.readlink(wanted.link)
    except FileNotFoundError:
        return ""
    except OSError:
        return "(no link)" if os.path.lexists(wanted.link) else ""


def own_directories(wanted: Placed, root: str) -> list[str]:
    """Return the collection's directories above a binary."""
    below_root = [os.path.join(root, wanted.component), os.path.dirname(wanted.path(root))]
    above = [path for start in (root, wanted.dest) if start.startswith(OURS) for path in _upwards(start, OURS)]
    return [root, *below_root, *above]


def closed(wanted: Placed, root: str) -> list[str]:
    """Return those of these directories that exclude service users, or in which others than root replace binaries."""
    return [
        path
        for path in own_directories(wanted, root)
        if _mode(path) not in (None, safe_paths.DIRECTORY_MODE) or _others(path)
    ]


def _others(path: str) -> bool:
    """Return whether a directory belongs to another user than root."""
    try:
        return os.stat(path).st_uid != 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def closed_directories(wanted: Placed, root: str) -> list[str]:
    """Return other directories above a binary that exclude service users; their modes are not changed."""
    ways = [*_upwards(root, "/"), *_upwards(wanted.dest, "/")]
    modes = {path: _mode(path) for path in ways if path in DISTRIBUTIONS}
    return [path for path, mode in modes.items() if mode is not None and not mode & 0o001]


def _upwards(path: str, top: str) -> list[str]:
    """Return a directory and those above it, up to but without the top."""
    found = []
    while path.startswith(top) and path.rstrip("/") != top.rstrip("/"):
        found.append(path)
        path = os.path.dirname(path)
    return found


def _mode(path: str) -> int | None:
    """Return the mode of a directory, None where there is none."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def install(wanted: Placed, root: str, upload: str, *, keep_upload: bool = False) -> None:
    """Install a file, which may be compressed, after verifying its digest."""
    path = wanted.path(root)
    directory = os.path.dirname(path)
    safe_paths.make_directory(directory)
    partial = os.path.join(directory, f".{wanted.name}.part")
    try:
        _move(upload, partial, keep=keep_upload)
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        os.unlink(partial)
        raise HardwayError(f"{wanted.name}: received damaged, and deleted: {exc}; run again") from exc
    # Verified in a directory where no other user can replace it.
    sha = digests.of_file(partial)
    if sha != wanted.sha256:
        os.unlink(partial)
        raise HardwayError(
            f"{wanted.name}: received with sha256 {sha} instead of {wanted.sha256}, and deleted; run again"
        )
    safe_paths.set_attributes(partial, 0o755, 0, 0)
    with open(partial, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(partial, path)
    info = os.lstat(path)
    atomic_files.remember(info)
    _write_record(directory, {**_record(directory), wanted.name: [info.st_size, sha, _state(info)]})


def _write_record(directory: str, record: dict[str, list]) -> None:
    data = json.dumps(record, indent=1, sort_keys=True).encode() + b"\n"
    atomic_files.write(os.path.join(directory, RECORD), data, mode=0o644)


def _move(upload: str, partial: str, *, keep: bool) -> None:
    """Move a file; copy it if a rename is impossible or would keep the SELinux label of a home directory."""
    packed = upload.endswith(PACKED)
    if not (keep or packed or os.path.isdir("/sys/fs/selinux/booleans")):
        try:
            os.rename(upload, partial)
            return
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
    with gzip.open(upload) if packed else open(upload, "rb") as source, open(partial, "wb") as out:
        shutil.copyfileobj(source, out, CHUNK)
    if not keep:
        os.unlink(upload)


def link(wanted: Placed, root: str) -> None:
    """Point the link at the binary atomically."""
    safe_paths.make_directory(wanted.dest)
    temporary = os.path.join(wanted.dest, f".{wanted.name}.link")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(wanted.path(root), temporary)
    os.replace(temporary, wanted.link)


def prune(wanted: Placed, root: str, keep: int) -> None:
    """Remove all but the newest versions of a binary; the one in use always stays."""
    parent = os.path.join(root, wanted.component)
    others = [label for label in os.listdir(parent) if label != wanted.label]
    paths = [path for path in (os.path.join(parent, label, wanted.name) for label in others) if os.path.exists(path)]
    for path in sorted(paths, key=os.path.getmtime, reverse=True)[max(keep - 1, 0) :]:
        os.unlink(path)
        directory = os.path.dirname(path)
        if set(os.listdir(directory)) <= {RECORD}:
            shutil.rmtree(directory)


def _record(directory: str) -> dict[str, list]:
    try:
        return json.loads(atomic_files.read(os.path.join(directory, RECORD)) or b"{}")
    except ValueError:
        return {}
