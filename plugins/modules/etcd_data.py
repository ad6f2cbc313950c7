#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_data
short_description: Move the data of a removed etcd member aside
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Renames directories to C(DIRECTORY.removed-YYYYMMDDTHHMMSSZ) and creates them again, empty, with the same owner and
    mode. Nothing is deleted.
  - The content of a mount point, which cannot be renamed, is moved to C(DIRECTORY/removed-YYYYMMDDTHHMMSSZ).
  - Empty and missing directories stay as they are. Fails if etcd is running with them.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  paths:
    description: The data directory, and that of the write-ahead log if it is apart.
    type: list
    elements: path
    default: [/var/lib/etcd]
"""

EXAMPLES = r"""
- name: Move the data of the former member aside
  hardway.kubernetes.etcd_data:
    paths: [/var/lib/etcd]
"""

RETURN = r"""
moved:
  description: Where the data are now, by directory. In check mode, where they would be.
  returned: always
  type: dict
  sample: {/var/lib/etcd: /var/lib/etcd.removed-20260102T030405Z}
"""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module

SPEC: dict[str, Any] = {"paths": {"type": "list", "elements": "path", "default": ["/var/lib/etcd"]}}
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
    except FileNotFoundError:
        return
    except OSError as exc:
        raise HardwayError(f"{directory}: etcd is running with it ({exc.strerror}); stop etcd first") from exc


def set_aside(directory: Path, stamp: str) -> str:
    """Move the content of a directory; return where it is now."""
    beside = directory.with_name(f"{directory.name}.{REMOVED}{stamp}")
    before = os.stat(directory)
    try:
        os.rename(directory, beside)
    except OSError as exc:
        if exc.errno not in MOUNTED:
            raise HardwayError(f"{directory}: cannot be renamed: {exc.strerror}; see its file system") from exc
        return move_within(directory, stamp)
    os.mkdir(directory, mode=0o700)
    os.chown(directory, before.st_uid, before.st_gid)
    os.chmod(directory, before.st_mode & 0o7777)
    return str(beside)


def move_within(directory: Path, stamp: str) -> str:
    """Move the content of a mount point into a directory there."""
    inside = directory / f"{REMOVED}{stamp}"
    inside.mkdir(mode=0o700, exist_ok=True)
    for path in content(directory):
        os.rename(path, inside / path.name)
    return str(inside)


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    full = [Path(path) for path in dict.fromkeys(params["paths"]) if content(Path(path))]
    for path in full:
        check_unused(path)
    predicted = {str(path): f"{path}.{REMOVED}{stamp}" for path in full}
    moved = predicted if check else {str(path): set_aside(path, stamp) for path in full}
    diff = {"before": "".join(f"{path}\n" for path in moved), "after": "".join(f"{path}\n" for path in moved.values())}
    return {"changed": bool(moved), "moved": moved, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
