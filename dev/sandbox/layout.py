# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything of a sandbox is and what it is called. Pure: names follow from the sandbox's name alone."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import SandboxError

PREFIX = "hws"
DEFAULT_TOP = "/var/lib/hardway-sandbox"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")
MAX_HOSTS = 200


@dataclass(frozen=True)
class Host:
    """One host of a sandbox; `tag` names its namespace, cgroup and machine."""

    index: int
    name: str
    tag: str
    address: str
    mac: str
    directory: Path

    @property
    def root(self) -> Path:
        """Return where the host's file system is mounted, in its own mount namespace."""
        return self.directory / "root"

    @property
    def console(self) -> Path:
        """Return the file that keeps the host's console output."""
        return self.directory / "console.log"


@dataclass(frozen=True)
class Layout:
    """All paths, names and addresses of one sandbox."""

    top: Path
    name: str
    subnet: int = 0

    @property
    def directory(self) -> Path:
        """Return the directory that holds all state of the sandbox."""
        return self.top / self.name

    @property
    def tag(self) -> str:
        """Return the name of the controller's namespace, and the first part of every host's."""
        return f"{PREFIX}.{self.name}"

    @property
    def network(self) -> str:
        """Return the network of the bridge."""
        return f"198.18.{self.subnet}.0/24"

    @property
    def controller(self) -> str:
        """Return the controller's own address on the bridge."""
        return f"198.18.{self.subnet}.1"

    @property
    def virtual(self) -> str:
        """Return an address no host has, for a virtual IP."""
        return f"198.18.{self.subnet}.250"

    @property
    def key(self) -> Path:
        """Return the private key that every host lets in."""
        return self.directory / "id"

    @property
    def sockets(self) -> Path:
        """Return the directory of ssh's control sockets; short, for their paths are limited to 107 characters."""
        return Path("/run") / self.tag

    @property
    def uplink(self) -> str:
        """Return the machine's end of the way out; at most 15 characters, as interface names are."""
        return PREFIX + hashlib.sha256(self.name.encode()).hexdigest()[:8]

    def host(self, index: int) -> Host:
        """Return host number `index`, counted from one."""
        name = f"n{index}"
        return Host(
            index=index,
            name=name,
            tag=f"{self.tag}.{name}",
            address=f"198.18.{self.subnet}.{10 + index}",
            mac=f"02:48:57:{self.subnet:02x}:00:{index:02x}",
            directory=self.directory / name,
        )

    def hosts(self, count: int) -> list[Host]:
        """Return the first `count` hosts."""
        return [self.host(index) for index in range(1, count + 1)]


def top_directory() -> Path:
    """Return the directory of all sandboxes."""
    return Path(os.environ.get("HARDWAY_SANDBOX_DIR") or DEFAULT_TOP).absolute()


def make_layout(name: str, subnet: int = 0) -> Layout:
    """Return the layout of a sandbox, after checking its name and network."""
    if not _NAME.fullmatch(name):
        raise SandboxError(f"'{name}' is no sandbox name: up to 24 of a-z, 0-9 and inner hyphens")
    if not 0 <= subnet <= 255:
        raise SandboxError(f"--subnet {subnet} does not exist: 0 to 255")
    return Layout(top_directory(), name, subnet)
