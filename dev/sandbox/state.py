# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The saved state of a sandbox, and the lock that lets one command at a time change it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

from .errors import SandboxError
from .layout import Layout, make_layout, top_directory


@dataclass(frozen=True)
class State:
    """The parameters of the last `up`."""

    hosts: int
    subnet: int = 0
    uplink: bool = False
    base: str = ""


def load(name: str) -> Optional[State]:
    """Return the saved state of a sandbox, or nothing if it was never brought up."""
    path = make_layout(name).directory / "state.json"
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as exc:
        raise SandboxError(f"{path} is damaged ({exc}); run `sandbox down` for this name, then `up`") from exc


def save(layout: Layout, state: State) -> None:
    """Save a state atomically."""
    layout.directory.mkdir(parents=True, exist_ok=True)
    path = layout.directory / "state.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state)), encoding="utf-8")
    fresh.replace(path)


def require(name: str) -> State:
    """Return the saved state of a sandbox; one that does not exist is an error."""
    state = load(name)
    if state is None:
        raise SandboxError(f"there is no sandbox '{name}'; start it with: sandbox up --name {name} --hosts 3")
    return state


def names() -> list[str]:
    """Return the names of all sandboxes that left something behind."""
    top = top_directory()
    if not top.is_dir():
        return []
    return sorted(entry.name for entry in top.iterdir() if entry.is_dir() and not entry.name.startswith("."))


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a file's lock; the kernel releases it when the holder dies. Yields the lock's descriptor."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_current(path, descriptor):
                continue
            yield descriptor
            return
        finally:
            os.close(descriptor)


def _is_current(path: Path, descriptor: int) -> bool:
    """Say whether a lock's file is still the one of that name: `down` removes it at its end."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def lock_path(layout: Layout) -> Path:
    """Return the lock of one sandbox; beside its directory, which `down` removes."""
    return layout.top / ".locks" / layout.name
