# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the hosts of module unit restart one at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._receipts import Receipt

MODULE = "hardway.kubernetes.unit"


class ActionModule(ActionBase):
    """Runs the module once for what needs no turn, and once more, holding the lock, where something is to restart."""

    _VALID_ARGS = frozenset(("units", "rolling", "gate"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of both rounds as one."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        receipt = Receipt(self, MODULE, self._task.args, task_vars)
        if receipt.standing is not None:
            return receipt.standing
        foreseen = {"_predicted": receipt.foreseen} if receipt.foreseen else {}
        return receipt.seen(self._rounds({**self._task.args, **receipt.option, **foreseen}, task_vars))

    def _rounds(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rolling = arguments.get("rolling")
        first = self._execute_module(MODULE, {**arguments, "_hold": bool(rolling)}, task_vars=task_vars)
        held = first.pop("_held", [])
        if first.get("failed") or not held:
            return first
        host = str(task_vars.get("inventory_hostname", "?"))
        with _turn(_lock_path(str(rolling), task_vars)) as note:
            stopped_by = _stopped_by(note, self._task._uuid)
            if stopped_by:
                first.update(
                    failed=True,
                    msg=f"{', '.join(held)}: not restarted, because another host failed before ({stopped_by}). "
                    "It runs on as before; mend that host and run again",
                )
                return first
            second = self._execute_module(MODULE, {**arguments, "_hold": False}, task_vars=task_vars)
            if second.get("failed") or second.get("unreachable"):
                _stop_the_others(note, self._task._uuid, host, str(second.get("msg", "")))
        second.pop("_held", None)
        return _merged(first, second)


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the second result with what the first did before it."""
    merged = {**first, **second}
    merged["changed"] = bool(first.get("changed") or second.get("changed"))
    done = {name: deed for name, deed in second.get("units", {}).items() if deed["action"] != "none"}
    merged["units"] = {**second.get("units", {}), **first.get("units", {}), **done}
    if "diff" in first or "diff" in second:
        merged["diff"] = [*first.get("diff", []), *second.get("diff", [])]
    return merged


def _lock_path(name: str, task_vars: dict[str, Any]) -> Path:
    """Return a file that all runs of this user for this inventory share."""
    place = Path(tempfile.gettempdir()) / f"hardway-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise AnsibleActionFail(f"{place}: belongs to somebody else; remove it")
    inventory = str(task_vars.get("inventory_dir") or task_vars.get("playbook_dir") or "")
    return place / (hashlib.sha256(f"{inventory}\0{name}".encode()).hexdigest()[:16] + ".lock")


@contextmanager
def _turn(path: Path) -> Iterator[IO[str]]:
    """Hold the lock; the kernel wakes one waiter at a time, and frees it when a process dies."""
    with path.open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        yield note


def _stopped_by(note: IO[str], task: str) -> str:
    """Return which host's restart failed in this very task, and how, if one did."""
    note.seek(0)
    seen, _tab, host = note.read().strip().partition("\t")
    return host if seen == task else ""


def _stop_the_others(note: IO[str], task: str, host: str, reason: str) -> None:
    note.truncate(0)
    note.write(f"{task}\t{host}: {reason.partition(chr(10))[0]}\n")
    note.flush()
