# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory of a sandbox's hosts, as YAML text. Pure."""

from __future__ import annotations

from typing import Optional

from .errors import SandboxError
from .layout import Host, Layout

GROUPS = ("etcd", "master", "node", "lb")
TOPOLOGIES = ("ha", "single-master", "flat")


def groups(topology: str, names: list[str]) -> dict[str, list[str]]:
    """Return which hosts are in which group."""
    if topology == "flat":
        return {}
    if topology == "single-master":
        return {"etcd": names[:1], "master": names[:1], "node": names[1:] or names, "lb": []}
    if len(names) < 3:
        raise SandboxError(f"topology ha needs three hosts, there are {len(names)}; run: sandbox up --hosts 3")
    return {"etcd": names[:3], "master": names[:3], "node": names[3:] or names, "lb": names[:2]}


def parse_group(text: str, names: list[str]) -> tuple[str, list[str]]:
    """Read GROUP=HOST,HOST."""
    group, equals, listed = text.partition("=")
    members = [name for name in listed.split(",") if name]
    unknown = [name for name in members if name not in names]
    if not equals or not group or unknown:
        raise SandboxError(f"--group {text}: expected GROUP=HOST,HOST with hosts of {','.join(names)}")
    return group, members


def ssh_args(layout: Layout) -> str:
    """Return the options that keep the machine's own ssh configuration out."""
    options = [
        "ControlMaster=auto",
        "ControlPersist=300s",
        "ServerAliveInterval=10",
        "ServerAliveCountMax=4",
        f"ControlPath={layout.sockets}/%C",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "GlobalKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "IdentitiesOnly=yes",
        "GSSAPIAuthentication=no",
    ]
    return " ".join(["-F none", *(f"-o {option}" for option in options)])


def render(layout: Layout, hosts: list[Host], topology: str, extra: Optional[list[str]] = None) -> str:
    """Return the inventory; `extra` are groups as GROUP=HOST,HOST that add to the topology's or replace them."""
    names = [host.name for host in hosts]
    members = groups(topology, names)
    members.update(parse_group(text, names) for text in extra or [])
    lines = ["---", "all:", "  vars:"]
    lines += [
        "    ansible_user: root",
        f"    ansible_ssh_private_key_file: {layout.key}",
        f'    ansible_ssh_args: "{ssh_args(layout)}"',
        "    ansible_python_interpreter: /usr/bin/python3",
    ]
    if members.get("lb"):
        lines.append(f"    cluster_api_vip: {layout.virtual}")
    lines.append("  hosts:")
    for host in hosts:
        lines += [f"    {host.name}:", f"      ansible_host: {host.address}"]
    if members:
        lines.append("  children:")
    for group in [*GROUPS, *(name for name in members if name not in GROUPS)]:
        if group not in members:
            continue
        lines.append(f"    {group}:")
        lines.append("      hosts:" if members[group] else "      hosts: {}")
        lines += [f"        {name}:" for name in members[group]]
    return "\n".join(lines) + "\n"
