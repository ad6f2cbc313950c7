# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs of the host."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Callable, Optional

# Of a command, and what it reads: its status, and what it prints to both streams.
Run = Callable[..., "tuple[int, str, str]"]
# Also where a session's PATH is without those of root.
PLACES = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"))


def call(
    command: Sequence[str], text: Optional[str] = None, *, seconds: Optional[float] = None
) -> tuple[int, str, str]:
    """Run a program, for so many seconds at most; return its status and what it prints."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        # Rules of others may have any bytes in their comments.
        done = subprocess.run(
            [program(command[0]) or command[0], *command[1:]],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            env=environment,
            timeout=seconds,
        )
    except OSError as exc:
        return 127, "", f"{command[0]}: {exc.strerror}"
    except subprocess.TimeoutExpired:
        return 124, "", f"{command[0]}: no end within {seconds:.0f} s"
    return done.returncode, done.stdout, done.stderr


def program(name: str) -> Optional[str]:
    """Return the path of a program, None if the host does not have it."""
    return shutil.which(name, path=PLACES)
