# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about kernel settings. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

HEADER = "# Written by hardway.kubernetes.host_settings; changes made here do not last.\n"

# What a kubelet with protectKernelDefaults insists on, exactly.
KUBELET_DEFAULTS = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
}

CAP_SYS_RESOURCE = 24


def normal(value: object) -> str:
    """Return a sysctl value as the kernel would print it, with single blanks."""
    if isinstance(value, bool):
        return str(int(value))
    return " ".join(str(value).split())


def sysctl_text(settings: Mapping[str, str]) -> str:
    """Return the content of the sysctl.d file."""
    return HEADER + "".join(f"{key} = {value}\n" for key, value in sorted(settings.items()))


def modules_text(modules: list[str]) -> str:
    """Return the content of the modules-load.d file, in the order of loading."""
    return HEADER + "".join(f"{name}\n" for name in modules)


def without_swap(fstab: str) -> str:
    """Return the fstab with its swap lines commented out, everything else untouched."""
    lines = []
    for line in fstab.splitlines(keepends=True):
        fields = line.split()
        is_swap = len(fields) > 2 and not line.lstrip().startswith("#") and fields[2] == "swap"
        lines.append("#" + line if is_swap else line)
    return "".join(lines)


def swap_devices(swaps: str) -> list[str]:
    """Return the active devices and files of /proc/swaps."""
    rows = (line.split() for line in swaps.splitlines()[1:])
    # The kernel writes blanks in names as octal escapes.
    return [re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), row[0]) for row in rows if row]


def has_capability(status: str, number: int) -> bool:
    """Return whether the bounding set in a /proc/PID/status holds the capability."""
    found = re.search(r"^CapBnd:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    return found is None or bool(int(found[1], 16) >> number & 1)


def os_family(os_release: str) -> str:
    """Return debian, redhat, suse, or the system's own id."""
    pairs = dict(re.findall(r"^(ID|ID_LIKE)=\"?([^\"\n]*)\"?$", os_release, re.MULTILINE))
    names = [pairs.get("ID", ""), *pairs.get("ID_LIKE", "").split()]
    aliases = {"ubuntu": "debian", "rhel": "redhat", "fedora": "redhat", "centos": "redhat", "opensuse": "suse"}
    for name in names:
        family = aliases.get(name, name)
        if family in ("debian", "redhat", "suse"):
            return family
    return names[0]


def cgroup1_controllers(cgroups: str) -> list[str]:
    """Return the enabled controllers of /proc/cgroups."""
    rows = (line.split() for line in cgroups.splitlines() if not line.startswith("#"))
    return sorted(row[0] for row in rows if len(row) == 4 and row[3] == "1")


def resolver_file(etc_resolv_conf: str, resolved_exists: bool) -> str:
    """Return the file that names real servers: systemd-resolved's own when /etc/resolv.conf only names its stub."""
    servers = re.findall(r"^nameserver\s+(\S+)", etc_resolv_conf, re.MULTILINE)
    stub_only = bool(servers) and all(server.startswith("127.") or server == "::1" for server in servers)
    return "/run/systemd/resolve/resolv.conf" if resolved_exists and stub_only else "/etc/resolv.conf"


def kubelet_defaults_hold(values: Mapping[str, Optional[str]]) -> bool:
    """Return whether these live values satisfy protectKernelDefaults."""
    return all(values.get(key) == wanted for key, wanted in KUBELET_DEFAULTS.items())
