# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns: one host of a cluster at a time, or a few, restarts its units, until one fails or is lost."""

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
    """One host's turn in one task. A note is written before it starts; a killed worker leaves the note.

    ``at_once`` hosts have a turn together, each with a place of its own: a number below ``at_once``. After the failure
    of more than ``may_fail`` hosts, no further one has a turn.
    """

    def __init__(
        self, name: str, task: str, host: str, task_vars: Mapping[str, Any], at_once: int = 1, may_fail: int = 0
    ) -> None:
        self._host, self._at_once, self._may_fail = host, max(1, at_once), may_fail
        self._keys = keys(name, task_vars)
        self._notes = f"{_digest(self._keys[0], task)}-"
        self._note = place_of_locks() / f"{self._notes}{_digest(host)}.note"
        self._place = 0
        self._locks = ExitStack()
        self._ended = False
        # The host that failed before in this task, and its error; empty if none did, or not too many.
        self.stopped_by = ""

    def __enter__(self) -> Turn:
        """Wait for the turn. The kernel wakes one waiter at a time, and releases a lock when its process ends."""
        # Otherwise all would wait for the same place.
        first = int(_digest(self._host), 16) % self._at_once
        for place in (*range(first, self._at_once), *range(first)) if self._at_once > 1 else ():
            if self._takes(place, fcntl.LOCK_EX | fcntl.LOCK_NB):
                break
        else:
            self._takes(first, fcntl.LOCK_EX)
        failures = self._failures()
        if len(failures) > self._may_fail:
            self.stopped_by = failures[0]
        else:
            self._write("its restart started but did not finish; its worker was killed", ended=False)
        return self

    def _takes(self, place: int, how: int) -> bool:
        """Return whether this place was free, and is now taken."""
        with ExitStack() as stack:
            try:
                for key in self._keys:
                    fcntl.flock(stack.enter_context(_lock(key, place).open("a")), how)
            except BlockingIOError:
                return False
            self._locks, self._place = stack.pop_all(), place
        return True

    def _failures(self) -> list[str]:
        """Return the other hosts that failed in this task, the first one first, and why."""
        found = []
        for path in place_of_locks().glob(f"{self._notes}*.note"):
            with suppress(OSError, ValueError, KeyError):
                note = json.loads(path.read_text())
                # A host may retry after its own failure.
                if note["host"] == self._host:
                    continue
                if not note["ended"] and self._was_killed(path, note["place"]):
                    # Another host may take its place from now on.
                    note["ended"] = True
                    _replace(path, note)
                if note["ended"]:
                    found.append((path.stat().st_mtime_ns, f"{note['host']}: {note['reason']}"))
        return [reason for _time, reason in sorted(found)]

    def _was_killed(self, path: Path, place: int) -> bool:
        """Return whether the host of a note has no longer the place in which it began, and has not ended well."""
        if place != self._place:
            with _lock(self._keys[0], place).open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
        return path.exists()

    def failed(self, reason: str) -> None:
        """Prevent the turns of the remaining hosts."""
        self._ended = True
        if not self.stopped_by:
            self._write(reason.partition("\n")[0], ended=True)

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

    def _write(self, reason: str, *, ended: bool) -> None:
        _replace(self._note, {"host": self._host, "reason": reason, "place": self._place, "ended": ended})


def _replace(path: Path, note: Mapping[str, Any]) -> None:
    """Write a note in one step, because others read it meanwhile."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps(note))
    draft.replace(path)


def _lock(key: str, place: int) -> Path:
    """Return the file that is locked by who has a place."""
    return place_of_locks() / f"{_digest(key, str(place)) if place else _digest(key)}.lock"


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
    for old in (path for kind in ("note", "step", "draft") for path in place.glob(f"*.{kind}")):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - KEPT:
                old.unlink()
    return place
