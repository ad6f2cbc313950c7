# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns: one host of a cluster at a time restarts its units, until the first one fails or is lost."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ansible.errors import AnsibleActionFail

# Seconds after which notes of earlier runs are removed.
KEPT = 7 * 86400.0


class Turn:
    """One host's turn in one task. A note is written before it starts; a killed worker leaves the note."""

    def __init__(self, name: str, task: str, host: str, task_vars: Mapping[str, Any]) -> None:
        self._host = host
        self._keys = keys(name, task_vars)
        self._note = place_of_locks() / f"{_digest(self._keys[0], task)}.note"
        self._locks = ExitStack()
        self._ended = False
        # The host that failed before in this task, and its error; empty if none did.
        self.stopped_by = ""

    def __enter__(self) -> Turn:
        """Wait for the turn. The kernel wakes one waiter at a time, and releases a lock when its process ends."""
        for key in self._keys:
            lock = self._locks.enter_context((place_of_locks() / f"{_digest(key)}.lock").open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        before = self._read()
        # A host may retry after its own failure.
        if before and before["host"] != self._host:
            self.stopped_by = f"{before['host']}: {before['reason']}"
        else:
            self._write("its restart started but did not finish; its worker was killed")
        return self

    def failed(self, reason: str) -> None:
        """Prevent the turns of the remaining hosts."""
        self._ended = True
        if not self.stopped_by:
            self._write(reason.partition("\n")[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the turn; an exception means that the host was lost."""
        try:
            if error is not None:
                self.failed(f"lost during its restart ({str(error) or type(error).__name__})")
            elif not self._ended and not self.stopped_by:
                with suppress(FileNotFoundError):
                    self._note.unlink()
        finally:
            self._locks.close()

    def _read(self) -> dict[str, str] | None:
        """Return the note of an earlier host."""
        with suppress(OSError, ValueError):
            found = json.loads(self._note.read_text())
            return {"host": str(found["host"]), "reason": str(found["reason"])}
        return None

    def _write(self, reason: str) -> None:
        self._note.write_text(json.dumps({"host": self._host, "reason": reason}))


def keys(name: str, task_vars: Mapping[str, Any]) -> list[str]:
    """Return the keys of the locks, in the order in which they are acquired.

    The inventory sources are the same for all hosts of a run. Runs for one cluster with different inventory sources
    share the directory of its CAs.
    """
    sources = [str(Path(each).resolve()) if Path(each).exists() else each for each in _sources(task_vars)]
    found = ["\0".join(("sources", name, *sorted(sources)))]
    pki = task_vars.get("cluster_pki_dir")
    # Until role cluster resolves it, it is a template and may differ between hosts.
    if isinstance(pki, str) and pki and "{{" not in pki:
        found.append("\0".join(("pki", name, str(Path(pki).expanduser().resolve()))))
    return found


def _sources(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the sources of the inventory."""
    given = task_vars.get("ansible_inventory_sources") or []
    return [given] if isinstance(given, str) else [str(each) for each in given]


def _digest(*words: str) -> str:
    return hashlib.sha256("\0\0".join(words).encode()).hexdigest()[:24]


def place_of_locks() -> Path:
    """Return the directory of locks and notes, this user's own."""
    place = Path(tempfile.gettempdir()) / f"hardway-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise AnsibleActionFail(f"{place}: belongs to another user; remove it")
    for old in (*place.glob("*.note"), *place.glob("*.step")):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - KEPT:
                old.unlink()
    return place
