# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a sandbox up, take it down, switch single hosts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Optional

from . import cgroups, namespaces, network, sysctls, uplink
from . import host as hosts
from .base import base_directory, ensure_base
from .errors import SandboxError
from .layout import Host, Layout, make_layout
from .machine import load_modules
from .process import run
from .state import State, load, lock_path, locked, names, require, save

Say = Callable[[str], None]
Process = subprocess.Popen


def find_host(layout: Layout, state: State, name: str) -> Host:
    """Return a host by its name."""
    for candidate in layout.hosts(state.hosts):
        if candidate.name == name:
            return candidate
    raise SandboxError(f"sandbox '{layout.name}' has no host '{name}': it has n1 to n{state.hosts}")


def layout_of(name: str) -> tuple[Layout, State]:
    """Return an existing sandbox."""
    state = require(name)
    return make_layout(name, state.subnet), state


def _ensure_key(layout: Layout) -> None:
    layout.directory.mkdir(parents=True, exist_ok=True)
    layout.directory.chmod(0o700)
    layout.sockets.mkdir(mode=0o700, exist_ok=True)
    if not layout.key.with_suffix(".pub").exists():
        layout.key.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", layout.tag, "-f", str(layout.key)])


def _boot(layout: Layout, state: State, host: Host, lock: int) -> Optional[Process]:
    """Start a host that is off and return its process; a running host only gets its name resolution updated."""
    resolver = network.resolver(layout, state.uplink)
    running = hosts.leader(host)
    if running is not None:
        Path(f"/proc/{running}/root/etc/resolv.conf").write_text(resolver, encoding="utf-8")
        return None
    hosts.stop(host)
    network.remove_host(layout, host)
    network.ensure_host(layout, host)
    hosts.write_disk(layout, host, resolver)
    return hosts.start(layout, host, base_directory(layout.top) / state.base, lock)


def wait_for(layout: Layout, booted: dict[Host, Optional[Process]], timeout: float = 180.0) -> None:
    """Wait until every host's ssh server answers; the end of a process among those just started is an error."""
    deadline = time.monotonic() + timeout
    left = list(booted)
    while left:
        left = [host for host in left if not hosts.answers(layout, host, 1.0)]
        if not left:
            return
        for host in left:
            process = booted[host]
            if process is not None and process.poll() is not None:
                raise SandboxError(f"{host.name} did not start: {hosts.last_words(host)}")
        if time.monotonic() > deadline:
            names = ", ".join(host.name for host in left)
            raise SandboxError(f"{names} did not answer ssh within {timeout:.0f} s; see {left[0].console}")
        time.sleep(0.2)


def up(name: str, count: int, subnet: Optional[int], suite: Optional[str], way_out: bool, say: Say) -> Layout:
    """Bring a sandbox up, or complete and repair the one that is there."""
    before = load(name)
    if subnet is None:
        subnet = before.subnet if before else 0
    layout = make_layout(name, subnet)
    if before and before.subnet != subnet:
        raise SandboxError(f"sandbox '{name}' uses subnet {before.subnet}; run: sandbox down --name {name}")
    base = base_directory(layout.top) / before.base if before and not suite else ensure_base(layout.top, suite, say)
    if not base.is_dir():
        raise SandboxError(f"the root file system of sandbox '{name}' is gone; run: sandbox down --name {name}")
    load_modules()
    with locked(layout.top / ".locks" / ".machine"):
        sysctls.keep(layout.top)
        layout.directory.mkdir(parents=True, exist_ok=True)
    with locked(lock_path(layout)) as lock:
        before = load(name)
        count = max(count, before.hosts if before else 0)
        state = State(hosts=count, subnet=subnet, uplink=way_out or bool(before and before.uplink), base=base.name)
        save(layout, state)
        _ensure_key(layout)
        network.ensure_controller(layout)
        if state.uplink:
            uplink.ensure(layout)
        wait_for(layout, {host: _boot(layout, state, host, lock) for host in layout.hosts(count)})
    return layout


def poweron(name: str, host_name: str) -> None:
    """Start one host and wait for it."""
    layout, state = layout_of(name)
    host = find_host(layout, state, host_name)
    with locked(lock_path(layout)) as lock:
        network.ensure_controller(layout)
        wait_for(layout, {host: _boot(layout, state, host, lock)})


def poweroff(name: str, host_name: str, graceful: bool) -> None:
    """Cut one host's power, or shut it down in an orderly way; its disk stays, its network state goes."""
    layout, state = layout_of(name)
    host = find_host(layout, state, host_name)
    with locked(lock_path(layout)):
        pid = hosts.leader(host)
        if graceful and pid is not None:
            os.kill(pid, signal.SIGRTMIN + 4)  # systemd: start poweroff.target
            deadline = time.monotonic() + 30.0
            while hosts.leader(host) is not None and time.monotonic() < deadline:
                time.sleep(0.1)
        # First, so that clients get no answer, as after a power cut. The host's kernel would refuse their connections.
        network.remove_host(layout, host)
        hosts.stop(host)


def down(name: str) -> None:
    """Remove everything of a sandbox, whatever state it is in."""
    state = load_anyway(name)
    layout = make_layout(name, state.subnet if state else 0)
    with locked(lock_path(layout)):
        groups = cgroups.find(layout.tag)
        cgroups.kill(groups)
        for namespace in namespaces.names(layout.tag):
            _kill_all(namespaces.processes(namespace))
        cgroups.remove(groups)
        uplink.remove(layout)
        network.remove_all(layout)
        _unmount_below(layout.directory)
        shutil.rmtree(layout.sockets, ignore_errors=True)
        if layout.directory.exists():
            shutil.rmtree(layout.directory)
        lock_path(layout).unlink(missing_ok=True)
    with locked(layout.top / ".locks" / ".machine"):
        if not names():
            sysctls.put_back(layout.top)


def load_anyway(name: str) -> Optional[State]:
    """Return the saved state of a sandbox, nothing if that is damaged."""
    try:
        return load(name)
    except SandboxError:
        return None


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _unmount_below(directory: Path) -> None:
    """Detach mounts on the machine below a directory; there are none unless someone made them by hand."""
    for line in reversed(Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()):
        target = line.split()[4]
        if target == str(directory) or target.startswith(f"{directory}/"):
            run(["umount", "--lazy", target], quiet_failure=True)
