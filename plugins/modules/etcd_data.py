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
  - Empty and missing directories stay as they are. Fails if etcd is running with them, but not in check mode.
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

import os
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import name_stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.data_directories import (
    beside,
    check_unused,
    content,
    set_aside,
)

SPEC: dict[str, Any] = {"paths": {"type": "list", "elements": "path", "default": ["/var/lib/etcd"]}}


def replace(directory: Path, stamp: str) -> str:
    """Move the content of a directory aside and leave an empty one; return where the content is now."""
    before = os.stat(directory)
    moved = set_aside(directory, stamp)
    if not directory.exists():
        os.mkdir(directory, mode=0o700)
        os.chown(directory, before.st_uid, before.st_gid)
        os.chmod(directory, before.st_mode & 0o7777)
    return moved


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    stamp = name_stamp()
    full = [Path(path) for path in dict.fromkeys(params["paths"]) if content(Path(path))]
    # In check mode, the task that stops etcd has only predicted that.
    for path in full if not check else []:
        check_unused(path)
    predicted = {str(path): str(beside(path, stamp)) for path in full}
    moved = predicted if check else {str(path): replace(path, stamp) for path in full}
    diff = {"before": "".join(f"{path}\n" for path in moved), "after": "".join(f"{path}\n" for path in moved.values())}
    return {"changed": bool(moved), "moved": moved, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
