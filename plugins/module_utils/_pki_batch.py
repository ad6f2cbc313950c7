# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pairs at once: keys of RSA keep all processors busy, and all wait for the disk together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ansible_collections.hardway.kubernetes.plugins.module_utils import _atomic
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_pair import Pair

# The disk takes little longer for so many than for one.
_SYNCED_AT_ONCE = 8
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def requests_of(pairs: Mapping[str, Pair], *, renew_key: bool) -> dict[str, str]:
    """Return the signing requests of these pairs; of RSA, the keys are the work of a run."""

    def request(pair: Pair) -> str:
        return pair.request(renew_key=renew_key).decode()

    if any(map(_is_slow, pairs.values())):
        made = _side_by_side(request, pairs.values())
    else:
        made = list(map(request, pairs.values()))
    _sync(pair.waiting for pair in pairs.values() if os.path.lexists(pair.waiting))
    return dict(zip(pairs, made))


def install(signed: Sequence[tuple[Pair, bytes]]) -> None:
    """Put certificates in place, each with its key. They get their names when the contents of all are on the disk."""
    staged: list[str] = []
    try:
        for pair, pem in signed:
            staged.append(pair.stage(pem))
        _sync(staged)
        for (pair, pem), temporary in zip(signed, staged):
            pair.install(pem, temporary)
        for directory in sorted({os.path.dirname(pair.certificate) for pair, _pem in signed}):
            _atomic.sync_directory(directory)
    finally:
        for temporary in staged:
            _atomic.forget(temporary)


def _is_slow(pair: Pair) -> bool:
    """True when its key takes longer to make than a thread to start."""
    return pair.spec.key.algo == "rsa"


def _sync(paths: Iterable[str]) -> None:
    """Have the contents of files on the disk."""
    _side_by_side(_atomic.sync, paths, _SYNCED_AT_ONCE)


def _side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int | None = None
) -> list[_Result]:
    """Return what ``work`` makes of each item, on all processors."""
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))
