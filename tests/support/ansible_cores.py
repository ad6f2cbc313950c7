# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-core as these tests have it, and the newest, in a virtual environment that is created once and kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).with_name("ansible_newest.txt")
MINORS = (14, 13, 12)
USABLE = "import ensurepip, sys, venv; assert sys.version_info >= (3, 12)"


def programs(name: str, repository: Path) -> Path:
    """Return the directory with the programs of one ansible-core, 'own' or 'newest'."""
    return Path(sys.executable).parent if name == "own" else newest(repository)


def newest(repository: Path) -> Path:
    """Return where the newest one's are; skip with a reason where it cannot be installed."""
    place = repository / ".cache" / "newest-core"
    place.parent.mkdir(exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "bin" / ".installed"
        if not done.is_file() or done.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
            make(place, repository)
    return place / "bin"


def make(place: Path, repository: Path) -> None:
    """Create the environment."""
    python = newer_python() or give_up("no Python of 3.12 to 3.14 with venv in PATH or ~/.pyenv/versions")
    command = [str(repository / "dev/tools/venv.sh"), str(place), str(REQUIREMENTS)]
    environment = {**os.environ, "PYTHON": python}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        give_up(f"it could not be installed: {done.stderr.strip()[-300:]}")


def newer_python() -> str | None:
    """Return an interpreter for the newest core; a name in PATH may be only a shim."""
    kept = Path("~/.pyenv/versions").expanduser()
    found = [shutil.which(f"python3.{minor}") for minor in MINORS]
    found += [str(path) for minor in MINORS for path in sorted(kept.glob(f"3.{minor}.*/bin/python3"))]
    for path in found:
        if path and subprocess.run([path, "-c", USABLE], capture_output=True, check=False).returncode == 0:
            return path
    return None


def give_up(reason: str) -> str:
    """Skip the test."""
    warnings.warn(f"NOT TESTED with the newest ansible-core: {reason}", stacklevel=2)
    pytest.skip(f"no newest ansible-core: {reason}")
