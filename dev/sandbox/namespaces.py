# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: enter one for a moment, list its processes, remove it."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import SandboxError
from .process import run

_CLONE_NEWNET = 0x40000000
_DIRECTORY = Path("/run/netns")
_libc = ctypes.CDLL(None, use_errno=True)


def path(name: str) -> Path:
    """Return the file that stands for a namespace."""
    return _DIRECTORY / name


def exists(name: str) -> bool:
    """Say whether a namespace is there and usable; a crash can leave its bare file."""
    return path(name).exists() and os.path.ismount(path(name))


def names(prefix: str) -> list[str]:
    """Return the namespaces whose name is `prefix`, or begins with it and a dot."""
    if not _DIRECTORY.is_dir():
        return []
    return sorted(e.name for e in _DIRECTORY.iterdir() if e.name == prefix or e.name.startswith(prefix + "."))


def create(name: str) -> bool:
    """Make a namespace with its loopback up, unless it is there. Says whether it was made."""
    if exists(name):
        return False
    path(name).unlink(missing_ok=True)
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])
    return True


def remove(name: str) -> None:
    """Remove a namespace; its interfaces go with it."""
    if path(name).exists():
        run(["ip", "netns", "del", name], quiet_failure=True)
    path(name).unlink(missing_ok=True)


def processes(name: str) -> list[int]:
    """Return the processes that live in a namespace."""
    if not exists(name):
        return []
    done = run(["ip", "netns", "pids", name], quiet_failure=True)
    return [int(pid) for pid in done.stdout.split() if int(pid) != os.getpid()]


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise SandboxError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Let this thread make sockets of another namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    away = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(away)
        yield
    finally:
        _enter(home)
        os.close(away)
        os.close(home)


def greeting(name: str, address: str, port: int, timeout: float) -> bytes:
    """Return the first bytes a server says; nothing when it does not answer in time."""
    with inside(name):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
            return client.recv(64)
        except OSError:
            return b""
