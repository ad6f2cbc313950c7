# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that this machine can run a sandbox, before anything is changed."""

from __future__ import annotations

import os
import sys

from .errors import SandboxError
from .process import have, run

# program → Debian package
_PROGRAMS: dict[str, str] = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "ssh-keygen": "openssh-client",
    "ssh": "openssh-client",
}
_MODULES = ("overlay", "br_netfilter", "vxlan", "nf_conntrack", "nf_tables", "ip_tables", "iptable_nat", "wireguard")


def require_root() -> None:
    """Refuse a machine or user that cannot make namespaces and mounts."""
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"the sandbox needs Linux, this is {sys.platform}; run it in a Linux virtual machine")
    if os.geteuid() != 0:
        raise SandboxError("the sandbox needs root: run it with sudo")


def require_tools() -> None:
    """Refuse to go on when programs are missing: name them, and how to install them."""
    packages = sorted({package for program, package in _PROGRAMS.items() if not have(program)})
    if packages:
        raise SandboxError(f"programs are missing; install them: apt-get install {' '.join(packages)}")
    done = run(["unshare", "--mount", "--net", "true"], quiet_failure=True)
    if done.returncode:
        raise SandboxError("this machine may not make namespaces; in a container, run it with --privileged")


def load_modules() -> None:
    """Load what hosts cannot load themselves; where a module is built in or absent this does nothing."""
    if have("modprobe"):
        for module in _MODULES:
            run(["modprobe", "--quiet", module], quiet_failure=True)
