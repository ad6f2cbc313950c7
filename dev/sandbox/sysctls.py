# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings that hosts share with the machine: saved before the first sandbox, restored after the last."""

from __future__ import annotations

import json
from pathlib import Path

_KERNEL = Path("/proc/sys")
# Settings of a kubelet and the collection's roles that belong to no namespace.
SHARED = (
    "fs/file-max", "fs/inotify/max_user_instances", "fs/inotify/max_user_watches", "fs/nr_open",
    "kernel/keys/root_maxbytes", "kernel/keys/root_maxkeys", "kernel/panic", "kernel/panic_on_oops", "kernel/pid_max",
    "vm/max_map_count", "vm/overcommit_memory", "vm/panic_on_oom", "vm/swappiness",
)  # fmt: skip


def _file(top: Path) -> Path:
    return top / ".sysctls.json"


def keep(top: Path, kernel: Path = _KERNEL) -> None:
    """Save the machine's settings, unless a sandbox already exists and may have changed them."""
    if _file(top).exists():
        return
    found = {name: (kernel / name).read_text().strip() for name in SHARED if (kernel / name).exists()}
    fresh = _file(top).with_suffix(".new")
    fresh.write_text(json.dumps(found), encoding="utf-8")
    fresh.replace(_file(top))


def put_back(top: Path, kernel: Path = _KERNEL) -> None:
    """Restore the machine's settings that differ from the saved ones."""
    if not _file(top).exists():
        return
    for name, value in json.loads(_file(top).read_text(encoding="utf-8")).items():
        path = kernel / name
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
        except OSError:
            continue  # read-only on this machine, so no host can have changed it
    _file(top).unlink(missing_ok=True)
