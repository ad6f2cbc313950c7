# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group of its own for each host, on machines with cgroup v1 or v2, and what is found through it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import SandboxError
from .layout import PREFIX
from .process import run

_MOUNT = Path("/sys/fs/cgroup")
_CGROUP2 = "cgroup2"
_SYSTEMD = Path("/run/systemd/system")


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy, and this process's own group in it."""

    mount: Path
    own: str
    controllers: str

    @property
    def parent(self) -> Path:
        """Return the group below which this process may make its own."""
        return self.mount / self.own.lstrip("/")


def parse_mounts(mountinfo: str) -> list[tuple[str, Path, set[str]]]:
    """Return type, directory and options of the mounted control-group hierarchies."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if len(fields) >= 5 and tail and tail[0] in ("cgroup", "cgroup2") and fields[4].startswith(str(_MOUNT)):
            found.append((tail[0], Path(fields[4]), set(tail[-1].split(","))))
    return found


def parse_hierarchies(mountinfo: str, membership: str) -> list[Hierarchy]:
    """Join what is mounted with where a process is, from the two files of /proc/self."""
    result = []
    mounts = parse_mounts(mountinfo)
    for line in membership.splitlines():
        _, controllers, own = line.split(":", 2)
        wanted = set(controllers.split(",")) - {""}
        for kind, mount, options in mounts:
            if wanted <= options if wanted else kind == _CGROUP2:
                result.append(Hierarchy(mount, own, controllers))
                break
    return result


def hierarchies() -> list[Hierarchy]:
    """Return this machine's hierarchies, as this process sees them."""
    process = Path("/proc/self")
    return parse_hierarchies((process / "mountinfo").read_text(), (process / "cgroup").read_text())


def is_unified(found: Iterable[Hierarchy]) -> bool:
    """Say whether cgroup v2 holds the controllers."""
    return all(hierarchy.controllers == "" for hierarchy in found)


def _make_v1(hierarchy: Hierarchy, tag: str) -> Path:
    group = hierarchy.parent / tag
    group.mkdir(exist_ok=True)
    if "cpuset" in hierarchy.controllers.split(","):
        # An empty cpuset takes no process, and its children would be empty too.
        for name in ("cpuset.cpus", "cpuset.mems"):
            (group / name).write_text((hierarchy.parent / name).read_text())
        (group / "cgroup.clone_children").write_text("1")
    return group


def _make_v2(hierarchy: Hierarchy, tag: str) -> Path:
    group = hierarchy.mount / tag
    for controller in (hierarchy.mount / "cgroup.controllers").read_text().split():
        try:
            (hierarchy.mount / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError as exc:
            print(f"sandbox: hosts get no {controller} control group: {exc.strerror}", file=sys.stderr)
    group.mkdir(exist_ok=True)
    return group


def scope_command(tag: str) -> list[str]:
    """Return what starts a command in a group of its own where systemd owns the hierarchy; nothing elsewhere."""
    if not _SYSTEMD.is_dir():
        return []
    properties = ["--property=Delegate=yes", "--property=TasksMax=infinity"]
    return ["systemd-run", "--quiet", "--scope", "--collect", f"--unit={tag}.scope", *properties, "--"]


def make(tag: str) -> list[Path]:
    """Make a host's group in every hierarchy and return them all."""
    found = hierarchies()
    if not found:
        raise SandboxError("no control groups are mounted at /sys/fs/cgroup; mount cgroup2 there")
    try:
        if is_unified(found):
            return [_make_v2(found[0], tag)]
        return [_make_v1(hierarchy, tag) for hierarchy in found]
    except OSError as exc:
        raise SandboxError(f"cannot make control group {tag}: {exc.strerror} ({exc.filename})") from exc


def join(groups: Iterable[Path]) -> None:
    """Move this process into groups."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def find(tag: str) -> list[Path]:
    """Find a host's groups, or with a sandbox's tag those of all its hosts, wherever they were made."""
    found = []
    for _, mount, _ in parse_mounts(Path("/proc/self/mountinfo").read_text()):
        for directory, children, _ in os.walk(mount):
            found += [Path(directory) / name for name in children if _is_tagged(name, tag)]
            # Below any host there are its own groups only, and those of its pods are many.
            children[:] = [name for name in children if not name.startswith(f"{PREFIX}.")]
    return found


def _is_tagged(name: str, tag: str) -> bool:
    plain = name[: -len(".scope")] if name.endswith(".scope") else name
    return plain == tag or plain.startswith(tag + ".")


def processes(groups: Iterable[Path]) -> set[int]:
    """Return the processes in groups and below them."""
    pids: set[int] = set()
    for group in groups:
        for directory, _, _ in os.walk(group):
            try:
                pids.update(int(pid) for pid in (Path(directory) / "cgroup.procs").read_text().split())
            except OSError:
                continue
    return pids - {0}


def kill(groups: list[Path], timeout: float = 10.0) -> None:
    """Kill every process in groups and wait until none is left."""
    deadline = time.monotonic() + timeout
    while True:
        pids = processes(groups) - {os.getpid()}
        if not pids:
            return
        if time.monotonic() > deadline:
            raise SandboxError(f"processes {sorted(pids)[:5]} do not die; see what holds them, then run down again")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def remove(groups: Iterable[Path]) -> None:
    """Remove groups and all below them; a group that is just being emptied gets a moment."""
    for group in groups:
        if group.suffix == ".scope":
            run(["systemctl", "stop", group.name], quiet_failure=True)
        for directory, _, _ in os.walk(group, topdown=False):
            for _ in range(40):
                try:
                    Path(directory).rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.05)
