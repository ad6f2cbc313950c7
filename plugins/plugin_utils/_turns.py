# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns: one host of a cluster at a time restarts its units; after the first one that fails or is lost, no more."""

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

# Notes of runs that ended long ago.
KEPT = 7 * 86400.0


class Turn:
    """One host's turn in one task. Before it begins, a note says so; a worker that dies leaves the note as it is."""

    def __init__(self, name: str, task: str, host: str, task_vars: Mapping[str, Any]) -> None:
        self._host = host
        self._keys = keys(name, task_vars)
        self._note = _place() / f"{_digest(self._keys[0], task)}.note"
        self._locks = ExitStack()
        self._ended = False
        # Which host failed before in this task, and how; nothing when none did.
        self.stopped_by = ""

    def __enter__(self) -> Turn:
        """Wait for the turn. The kernel wakes one waiter at a time, and frees a lock when its process dies."""
        for key in self._keys:
            lock = self._locks.enter_context((_place() / f"{_digest(key)}.lock").open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        before = self._read()
        # The same host may try again.
        if before and before["host"] != self._host:
            self.stopped_by = f"{before['host']}: {before['reason']}"
        else:
            self._write("its restart started but did not finish; its worker was killed")
        return self

    def failed(self, reason: str) -> None:
        """Stop the hosts whose turn comes after this one."""
        self._ended = True
        if not self.stopped_by:
            self._write(reason.partition("\n")[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Let the next one have its turn; an error means that the host was lost."""
        try:
            if error is not None:
                self.failed(f"lost during its restart ({str(error) or type(error).__name__})")
            elif not self._ended and not self.stopped_by:
                with suppress(FileNotFoundError):
                    self._note.unlink()
        finally:
            self._locks.close()

    def _read(self) -> dict[str, str] | None:
        """Return what the hosts before this one have left."""
        with suppress(OSError, ValueError):
            found = json.loads(self._note.read_text())
            return {"host": str(found["host"]), "reason": str(found["reason"])}
        return None

    def _write(self, reason: str) -> None:
        self._note.write_text(json.dumps({"host": self._host, "reason": reason}))


def keys(name: str, task_vars: Mapping[str, Any]) -> list[str]:
    """Return what the lock is named by, in the order in which locks are taken.

    The sources of the inventory are the same for all hosts of a run. Runs that name one cluster by different sources
    meet in the directory of its CAs.
    """
    sources = [str(Path(each).resolve()) if Path(each).exists() else each for each in _sources(task_vars)]
    found = ["\0".join(("sources", name, *sorted(sources)))]
    pki = task_vars.get("cluster_pki_dir")
    # Where role cluster has not resolved it, it is a template, and may be another one for each host.
    if isinstance(pki, str) and pki and "{{" not in pki:
        found.append("\0".join(("pki", name, str(Path(pki).expanduser().resolve()))))
    return found


def _sources(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the sources of the inventory."""
    given = task_vars.get("ansible_inventory_sources") or []
    return [given] if isinstance(given, str) else [str(each) for each in given]


def _digest(*words: str) -> str:
    return hashlib.sha256("\0\0".join(words).encode()).hexdigest()[:24]


def _place() -> Path:
    """Return the directory of locks and notes, this user's own."""
    place = Path(tempfile.gettempdir()) / f"hardway-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise AnsibleActionFail(f"{place}: belongs to another user; remove it")
    for old in place.glob("*.note"):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - KEPT:
                old.unlink()
    return place
