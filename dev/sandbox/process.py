# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs of the machine and report their failure in one line."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Optional

from .errors import SandboxError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_this() -> Callable[[], None]:
    """Return what a child does before its program starts, so that the kernel ends it together with this process."""
    parent = os.getpid()

    def in_child() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended between fork and prctl: then no signal comes.
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def last_line(text: str) -> str:
    """Return the last line of a program's output that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def run(
    argv: Sequence[str],
    *,
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[str] = None,
    stdin: Optional[str] = None,
    quiet_failure: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its failure is an error unless it may fail quietly."""
    try:
        done = subprocess.run(
            list(argv),
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            input=stdin if stdin is not None else "",
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            preexec_fn=end_with_this(),
        )
    except FileNotFoundError as exc:
        raise SandboxError(f"{argv[0]} is not installed on this machine") from exc
    if done.returncode and not quiet_failure:
        raise SandboxError(f"{' '.join(argv[:4])}: exit {done.returncode}: {last_line(done.stderr or done.stdout)}")
    return done


def have(program: str) -> bool:
    """Say whether a program can be found, also where an ordinary PATH does not look."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin") is not None
