# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects the features of a host's kernel, regardless of module files."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import struct
from collections.abc import Iterable
from glob import glob
from importlib.util import find_spec
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._host import kernel_rules

UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.early",
    "/run/systemd/generator",
    "/run/systemd/generator.late",
)

# A feature that shows itself elsewhere than in /sys/module, which lists no built-in code without parameters.
EVIDENCE = {
    "br_netfilter": "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
    "ip_vs": "/proc/net/ip_vs",
}


class HostFiles:
    """The files of a host's kernel interfaces, below a root directory (`/` except in tests)."""

    def __init__(self, root: str = "/") -> None:
        """Remember the root."""
        self.root = root.rstrip("/")

    def path(self, path: str) -> str:
        """Return an absolute path below the root."""
        return self.root + path

    def read(self, path: str) -> Optional[str]:
        """Return the text of a file, None when it cannot be read."""
        try:
            with open(self.path(path), encoding="utf-8", errors="surrogateescape") as stream:
                return stream.read()
        except OSError:
            return None

    def sysctl_path(self, key: str) -> str:
        """Return the file of a sysctl; names with a slash keep their dots, as in sysctl.d."""
        return "/proc/sys/" + (key if "/" in key else key.replace(".", "/"))

    def sysctl(self, key: str) -> Optional[str]:
        """Return a live value, None when there is no such setting."""
        text = self.read(self.sysctl_path(key))
        return None if text is None else kernel_rules.normal(text)

    def writable(self, path: str) -> bool:
        """Return whether the file opens for writing; nothing is written."""
        try:
            os.close(os.open(self.path(path), os.O_WRONLY))
        except OSError:
            return False
        return True

    def has_module(self, name: str) -> bool:
        """Return whether the feature of a kernel module is there, loaded or built in."""
        plain = name.replace("-", "_")
        if plain in EVIDENCE and os.path.exists(self.path(EVIDENCE[plain])):
            return True
        if os.path.exists(self.path(f"/sys/module/{plain}")):
            return True
        if plain in (self.read("/proc/filesystems") or "").split():
            return True
        return self.is_built_in(name)

    def is_built_in(self, name: str) -> bool:
        """Return whether a kernel module is part of the kernel itself."""
        builtin = self.read(f"/lib/modules/{os.uname().release}/modules.builtin") or ""
        return f"/{name.replace('-', '_')}.ko" in builtin.replace("-", "_")

    def can_load(self, name: str) -> bool:
        """Return whether the module tree of this kernel has the module, for check mode."""
        tree = self.read(f"/lib/modules/{os.uname().release}/modules.dep") or ""
        return f"/{name.replace('-', '_')}.ko" in tree.replace("-", "_")

    def cgroups(self) -> tuple[int, list[str]]:
        """Return the version in use and the controllers."""
        unified = self.read("/sys/fs/cgroup/cgroup.controllers")
        if unified is not None:
            return 2, sorted(unified.split())
        enabled = kernel_rules.cgroup1_controllers(self.read("/proc/cgroups") or "")
        return 1, [name for name in enabled if os.path.exists(self.path(f"/sys/fs/cgroup/{name}"))]

    def swap_units(self) -> dict[str, str]:
        """Return the swap units that may start at boot, each with the systemctl verb that keeps it from that.

        Those that fstab makes go with its lines; those in /etc cannot be masked, so they are disabled.
        """
        found = {}
        for directory in UNIT_DIRECTORIES:
            for path in glob(self.path(directory) + "/*.swap"):
                name = os.path.basename(path)
                own = self.path(f"/etc/systemd/system/{name}")
                wanted = glob(self.path("/etc/systemd/system") + f"/*.[wr]*/{name}")
                if os.path.isfile(own):
                    found.update({name: "disable"} if wanted else {})
                elif not os.path.islink(own) and "SourcePath=/etc/fstab" not in self._text(path):
                    found[name] = "mask"
        return dict(sorted(found.items()))

    def _text(self, path: str) -> str:
        """Return the text of a file found below the root."""
        return self.read(path[len(self.root) :]) or ""

    def missing_commands(self, commands: Iterable[str]) -> list[str]:
        """Return the commands that no system directory holds; `a|b` is there when one of both is."""
        places = os.pathsep.join(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
        return sorted(
            name for name in commands if not any(shutil.which(choice, path=places) for choice in name.split("|"))
        )

    def features(self) -> dict[str, Any]:
        """Return the facts that do not depend on what was asked for."""
        version, controllers = self.cgroups()
        status = self.read("/proc/1/status") or self.read("/proc/self/status") or ""
        conntrack = self.sysctl_path("net.netfilter.nf_conntrack_max")
        resolved = os.path.exists(self.path("/run/systemd/resolve/resolv.conf"))
        return {
            "os_family": kernel_rules.os_family(self.read("/etc/os-release") or ""),
            "kernel_release": os.uname().release,
            "cgroup_version": version,
            "cgroup_controllers": controllers,
            "cap_sys_resource": kernel_rules.has_capability(status, kernel_rules.CAP_SYS_RESOURCE),
            # Outside the first network namespace the limit belongs to the machine and is read-only.
            "conntrack_writable": self.writable(conntrack) if os.path.exists(self.path(conntrack)) else True,
            "bridge_nf": self.has_module("br_netfilter"),
            "overlay": self.has_module("overlay"),
            "ipvs": self.has_module("ip_vs"),
            "nftables": nftables_answers(),
            "nonlocal_bind": self.sysctl("net.ipv4.ip_nonlocal_bind") == "1",
            "swap": bool(kernel_rules.swap_devices(self.read("/proc/swaps") or "")),
            "time_synchronized": clock_is_synchronized(),
            "resolv_conf": kernel_rules.resolver_file(self.read("/etc/resolv.conf") or "", resolved),
        }


def users() -> dict[str, bool]:
    """Return by name whether a user is as one of a service: with a group of its own name, and no login shell."""
    groups = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()}
    return {
        entry.pw_name: groups.get(entry.pw_gid) == entry.pw_name
        and os.path.basename(entry.pw_shell) in ("nologin", "false")
        for entry in pwd.getpwall()
    }


def missing_python(names: Iterable[str]) -> list[str]:
    """Return the Python packages this interpreter lacks; only looked for, not imported."""
    return sorted(name for name in names if find_spec(name) is None)


def nftables_answers() -> bool:
    """Ask nf_tables for its generation: an answer that is no error means it is there."""
    get_generation, new_generation, request = (10 << 8) | 16, (10 << 8) | 15, 1
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as link:
            link.settimeout(1)
            link.send(struct.pack("=IHHIIBBH", 20, get_generation, request, 1, 0, 0, 0, 0))
            return bool(struct.unpack_from("=IH", link.recv(4096))[1] == new_generation)
    except OSError:
        return False


def clock_is_synchronized() -> bool:
    """Return whether the kernel considers its clock synchronized."""
    try:
        import ctypes

        unsynchronized = 5
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) != unsynchronized)
    except (ImportError, OSError, AttributeError):
        return os.path.exists("/run/systemd/timesync/synchronized")
