# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the data of etcd aside, and checks that no etcd runs with them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

REMOVED = "removed-"
MOUNTED = (errno.EBUSY, errno.EXDEV, errno.EINVAL)


def content(directory: Path) -> list[Path]:
    """Return what etcd left in a directory; the root of a file system has a directory of its own."""
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith((REMOVED, "lost+found")))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise HardwayError(f"{directory}: {exc.strerror}; see that it is a directory") from exc


def check_unused(directory: Path) -> None:
    """Raise if etcd runs with this directory: it holds a lock on its database."""
    database = directory / "member" / "snap" / "db"
    try:
        with open(database, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise HardwayError(f"{directory}: etcd is running with it ({exc.strerror}); stop etcd first") from exc


def beside(directory: Path, stamp: str) -> Path:
    """Return where the data of a directory go."""
    return directory.with_name(f"{directory.name}.{REMOVED}{stamp}")


def set_aside(directory: Path, stamp: str) -> str:
    """Move the content of a directory; return where it is now. The directory itself is gone, unless it is mounted."""
    check_unused(directory)
    try:
        os.rename(directory, beside(directory, stamp))
    except OSError as exc:
        if exc.errno not in MOUNTED:
            raise HardwayError(f"{directory}: cannot be renamed: {exc.strerror}; see its file system") from exc
        return _move_within(directory, stamp)
    return str(beside(directory, stamp))


def _move_within(directory: Path, stamp: str) -> str:
    """Move the content of a mount point into a directory there."""
    inside = directory / f"{REMOVED}{stamp}"
    inside.mkdir(mode=0o700, exist_ok=True)
    for path in content(directory):
        os.rename(path, inside / path.name)
    return str(inside)
