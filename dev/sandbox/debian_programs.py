# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the programs that newer Debian suites carry as packages."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .debian_packages import Apt, Archive, machine_archive
from .errors import SandboxError
from .process import run

SUITE = "forky"


@dataclass(frozen=True)
class Source:
    """Files of one package: a glob inside it, and the directory of the cache they go to."""

    package: str
    pattern: str
    directory: str = "."


SOURCES: tuple[Source, ...] = (
    Source("etcd-server", "usr/bin/etcd"),
    Source("etcd-client", "usr/bin/etcdctl"),
    Source("etcd-client", "usr/bin/etcdutl"),
    Source("containerd", "usr/bin/containerd"),
    Source("containerd", "usr/bin/containerd-shim-runc-v2"),
    Source("containerd", "usr/bin/ctr"),
    Source("runc", "usr/sbin/runc"),
    Source("containernetworking-plugins", "usr/lib/cni/*", "cni"),
    Source("kubectl", "usr/bin/kubectl", "debian"),
    Source("golang-cfssl", "usr/bin/cfssl", "tools"),
    Source("golang-cfssl", "usr/bin/cfssljson", "tools"),
    Source("busybox-static", "**/busybox", "tools"),
)


def missing(sources: tuple[Source, ...], cache: Path) -> list[Source]:
    """Return the sources of which the cache holds nothing yet."""
    return [source for source in sources if not list((cache / source.directory).glob(Path(source.pattern).name))]


def unresolved(ldd_output: str) -> list[str]:
    """Return what the dynamic linker could not find."""
    return [line.strip() for line in ldd_output.splitlines() if "not found" in line]


def loads_here(program: Path) -> bool:
    """Say whether this machine's libraries, which are the hosts', can load a program."""
    done = run(["ldd", str(program)], quiet_failure=True)
    return not unresolved(done.stdout + done.stderr)


def place(program: Path, target: Path) -> bool:
    """Copy a program into the cache in one step; leave alone what is there. Says whether it was added."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    os.close(handle)
    try:
        shutil.copyfile(program, name)
        Path(name).chmod(0o755)
        os.link(name, target)
    except FileExistsError:
        return False
    finally:
        Path(name).unlink()
    return True


def fetch(archive: Archive, suite: str, wanted: list[Source], cache: Path) -> tuple[dict[str, Path], list[Source]]:
    """Add one suite's programs to the cache; returns them, and the sources whose programs need newer libraries."""
    added: dict[str, Path] = {}
    refused: list[Source] = []
    with tempfile.TemporaryDirectory(prefix="hardway-apt-") as directory:
        apt = Apt(archive, suite, Path(directory))
        apt.update()
        root = apt.unpack({source.package for source in wanted})
        for source in wanted:
            found = sorted(path for path in root.glob(source.pattern) if path.is_file() and not path.is_symlink())
            if not found:
                raise SandboxError(f"package {source.package} of {suite} has no {source.pattern}")
            if not all(loads_here(program) for program in found):
                refused.append(source)
                continue
            for program in found:
                target = cache / source.directory / program.name
                if place(program, target):
                    added[program.name] = target
    return added, refused


def collect(cache: Path, say: Callable[[str], None], sources: tuple[Source, ...] = SOURCES) -> dict[str, Path]:
    """Bring every missing program into the cache; returns those added, by name."""
    wanted = missing(sources, cache)
    added: dict[str, Path] = {}
    if not wanted:
        return added
    archive = machine_archive()
    for suite in (SUITE, archive.suite):
        say(f"fetching {', '.join(sorted({source.package for source in wanted}))} from {suite}")
        found, wanted = fetch(archive, suite, wanted, cache)
        added.update(found)
        if not wanted:
            return added
    names = ", ".join(source.package for source in wanted)
    raise SandboxError(f"no suite carries programs of {names} that this system's libraries can load")
