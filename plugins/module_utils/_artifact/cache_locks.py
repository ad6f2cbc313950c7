# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks of files in the controller's cache, against the workers of other hosts and other runs."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


@contextlib.contextmanager
def locked(cache_dir: str, path: str) -> Iterator[None]:
    """Lock a path, which need not exist."""
    directory = os.path.join(cache_dir, "locks")
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as exc:
        raise HardwayError(f"{directory}: cannot be created: {exc.strerror}; set another cluster_cache_dir") from exc
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    with open(os.path.join(directory, name), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
