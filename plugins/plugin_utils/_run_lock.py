# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a whole run: its name, its file on this controller, and the process that renews it."""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp

# Seconds between renewals, between attempts through a host that fails, and between checks of the process of the run.
RENEWAL = 20.0
RETRY = 5.0
WATCH = 0.5


class Process(NamedTuple):
    """A process, with its start time, because numbers are reused."""

    pid: int
    started: str

    @property
    def name(self) -> str:
        """Return this as text."""
        return f"{self.pid}-{self.started}"

    def lives(self) -> bool:
        """Return whether it still runs."""
        return process(self.pid) == self


def process(pid: int) -> Process | None:
    """Return a running process; None for one that has ended, waited for by its parent or not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else Process(pid, fields[19])


def this_run() -> Process:
    """Return the process of ansible-playbook, the parent of the worker that runs an action."""
    found = process(os.getppid())
    if found is None:
        raise AnsibleActionFail("cluster: the process of this run has ended")
    return found


def holder_of(run: Process) -> str:
    """Return the name of a run: user, controller and process."""
    user = os.environ.get("SUDO_USER") or getpass.getuser()
    return f"{user}@{socket.gethostname()}/{run.name}"


def is_dead(holder: str) -> bool:
    """Return whether a holder is a run of this controller that has ended."""
    place, _slash, name = holder.rpartition("/")
    pid, _dash, started = name.partition("-")
    here = place.rpartition("@")[2] == socket.gethostname()
    return here and pid.isdigit() and bool(started) and not Process(int(pid), started).lives()


def note_step(directory: Path, run: Process, name: str) -> None:
    """Note the task that a run begins, for the process that renews its lock."""
    with suppress(OSError):
        _steps(directory, run).write_text(name, encoding="utf-8")


def step(directory: Path, run: Process) -> str:
    """Return the task that a run has begun last, empty if nothing notes it."""
    with suppress(OSError, ValueError):
        return _steps(directory, run).read_text(encoding="utf-8")
    return ""


def forget_step(directory: Path, run: Process) -> None:
    """Remove what was noted of a run that has ended."""
    with suppress(OSError):
        _steps(directory, run).unlink()


def _steps(directory: Path, run: Process) -> Path:
    return directory / f"{run.name}.step"


def lock_on_controller(directory: Path, keys: Sequence[str], run: Process, holder: str, operation: str) -> None:
    """Lock the cluster against other runs of this user on this controller; fail if one has it.

    The lock is a file with the process of the run. It needs no release: a process that has ended holds nothing.
    """
    for key in keys:
        path = directory / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.run"
        with path.with_suffix(".guard").open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            found = _read(path)
            if found and found["holder"] != holder and Process(int(found["pid"]), found["started"]).lives():
                raise AnsibleActionFail(
                    f"cluster: locked by {found['holder']}, which runs {found['operation']} since {found['since']} on "
                    "this controller; wait until it has ended, or end it"
                )
            since = stamp(time.time())
            mine = {"holder": holder, "pid": run.pid, "started": run.started, "operation": operation, "since": since}
            if not found or found["holder"] != holder:
                path.write_text(json.dumps(mine), encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None


def keep_renewing(
    directory: Path, run: Process, host: str, kind: str, call: Callable[[str], Mapping[str, Any]]
) -> None:
    """Start a process that renews the lock through one host until the run has ended, and then releases it.

    C(call) takes C(present) or C(absent) and returns the result of module cluster_lock. There is one process for each
    run and host. Those of one kind share the work: as long as one of them renews, the others only watch.
    """
    shared = directory / f"{hashlib.sha256(f'{run.name} {kind}'.encode()).hexdigest()[:24]}.renewed"
    shared.touch()
    path = directory / f"{hashlib.sha256(f'{run.name} {host}'.encode()).hexdigest()[:24]}.renewal"
    renewal = path.open("a")
    try:
        fcntl.flock(renewal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        renewal.close()
        return
    child = os.fork()
    if child:
        renewal.close()
        os.waitpid(child, 0)
        return
    try:
        # The second child has no parent that would wait for it, no terminal, and none of the files of the run.
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if number not in (0, 1, 2, renewal.fileno()):
                with suppress(OSError):
                    os.close(number)
        _renew(run, shared, call)
        path.unlink(missing_ok=True)
    finally:
        os._exit(0)


def _renew(run: Process, shared: Path, call: Callable[[str], Mapping[str, Any]]) -> None:
    retry = 0.0
    while run.lives():
        time.sleep(WATCH)
        if time.monotonic() < retry or not _is_due(shared):
            continue
        with shared.open("a") as turn, suppress(BlockingIOError):
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_due(shared):
                if _renewed(run, call):
                    os.utime(shared)
                else:
                    retry = time.monotonic() + RETRY
    forget_step(shared.parent, run)
    with suppress(OSError), shared.open("r+") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with suppress(Exception):
            # The others find no file any more.
            if shared.exists() and call("absent").get("lock") == "released":
                shared.unlink()


def _is_due(shared: Path) -> bool:
    """Return whether the last renewal by any process is long ago. False after another one released the lock."""
    try:
        return time.time() - shared.stat().st_mtime >= RENEWAL
    except FileNotFoundError:
        return False


def _renewed(run: Process, call: Callable[[str], Mapping[str, Any]]) -> bool:
    """Renew the lock; end the run if another one has it."""
    with suppress(Exception):
        result = call("present")
        if result.get("failed") and result.get("holder"):
            # Two runs that change one cluster are worse than one that stops: every run can be repeated.
            _say(run, f"cluster: the lock was taken over by {result['holder']}; this run ends")
            os.kill(run.pid, signal.SIGTERM)
        return result.get("lock") == "held"
    return False


def _say(run: Process, text: str) -> None:
    """Write a line where the run writes its errors."""
    with suppress(OSError), Path(f"/proc/{run.pid}/fd/2").open("w", encoding="utf-8") as stream:
        stream.write(f"[ERROR]: {text}\n")
