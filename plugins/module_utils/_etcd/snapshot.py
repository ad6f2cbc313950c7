# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which member a snapshot is taken, whether there is room for it, and whether it is intact."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.free_space import MIB, require_room
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.cluster import NONE_HEALTHY, Cluster

# What etcd appends to the database.
CHECKSUM = 32
# Other programs of the host go on writing.
SPARE = 64 * MIB


def source(cluster: Cluster) -> dict[str, Any]:
    """Return the answer of the healthy voter with the newest data."""

    def healthy() -> dict[str, Any]:
        answers = [one for one in cluster.inspect() if one["endpoint"] and one["healthy"] and not one["learner"]]
        if not answers:
            raise HardwayError(f"etcd: no snapshot: {NONE_HEALTHY}; start etcd there")
        return max(answers, key=lambda answer: int(answer["revision"]))

    return cluster.retried(healthy)


def check_room(directory: Path, database: int) -> None:
    """Raise unless the file system has room for a snapshot of a database of this size."""
    require_room(directory, database + SPARE, "a snapshot of etcd", "free some, or set another directory")


def verified(path: Path) -> int:
    """Return the size of a snapshot whose checksum is right."""
    digest, tail = hashlib.sha256(), b""
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(MIB), b""):
            data = tail + block
            digest.update(data[:-CHECKSUM])
            tail = data[-CHECKSUM:]
        size = os.fstat(stream.fileno()).st_size
    if digest.digest() != tail:
        raise HardwayError(f"{path}: fails its own checksum; check the disk of this host, then repeat this")
    return size
