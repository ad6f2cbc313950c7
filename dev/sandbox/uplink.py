# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The optional route out: a veth pair to the machine and address translation, with every rule marked by its owner."""

from __future__ import annotations

import ipaddress
import shlex
from pathlib import Path

from .layout import Layout
from .process import run

_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def addresses(layout: Layout) -> tuple[str, str]:
    """Return the machine's and the sandbox's end of a /30 that follows from the name."""
    first = int(ipaddress.IPv4Address("198.19.0.0")) + int(layout.uplink[-8:], 16) % 16384 * 4
    return str(ipaddress.IPv4Address(first + 1)), str(ipaddress.IPv4Address(first + 2))


def _rules(layout: Layout) -> list[list[str]]:
    _, far = addresses(layout)
    rules = [
        f"-t nat -A POSTROUTING -s {far} ! -o {layout.uplink} -m comment --comment {layout.tag} -j MASQUERADE",
        f"-t filter -I FORWARD -i {layout.uplink} -m comment --comment {layout.tag} -j ACCEPT",
        f"-t filter -I FORWARD -o {layout.uplink} -m comment --comment {layout.tag} -j ACCEPT",
    ]
    return [rule.split() for rule in rules]


def ensure(layout: Layout) -> None:
    """Give the controller's namespace, and through it the hosts, a route out."""
    near, far = addresses(layout)
    if run(["ip", "link", "show", layout.uplink], quiet_failure=True).returncode:
        run(["ip", "link", "add", layout.uplink, "type", "veth", "peer", "name", "uplink", "netns", layout.tag])
        run(["ip", "addr", "add", f"{near}/30", "dev", layout.uplink])
        run(["ip", "link", "set", layout.uplink, "up"])
        run(["ip", "-n", layout.tag, "addr", "add", f"{far}/30", "dev", "uplink"])
        run(["ip", "-n", layout.tag, "link", "set", "uplink", "up"])
        run(["ip", "-n", layout.tag, "route", "replace", "default", "via", near])
    inside = ["ip", "netns", "exec", layout.tag]
    run([*inside, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    masquerade = ["POSTROUTING", "-s", layout.network, "-o", "uplink", "-j", "MASQUERADE"]
    if run([*inside, "iptables", "-t", "nat", "-C", *masquerade], quiet_failure=True).returncode:
        run([*inside, "iptables", "-t", "nat", "-A", *masquerade])
    before = _FORWARD.read_text().strip()
    if before == "0":
        (layout.directory / "ip_forward.off").touch()
        _FORWARD.write_text("1")
    remove_rules(layout)
    for rule in _rules(layout):
        run(["iptables", *rule])


def remove_rules(layout: Layout) -> None:
    """Remove this sandbox's rules from the machine, found by their mark."""
    for table in ("nat", "filter"):
        for line in run(["iptables", "-t", table, "-S"], quiet_failure=True).stdout.splitlines():
            words = shlex.split(line)
            if layout.tag in words:
                run(["iptables", "-t", table, "-D", *words[1:]], quiet_failure=True)


def remove(layout: Layout) -> None:
    """Remove the route out, and disable forwarding again if this sandbox had enabled it."""
    remove_rules(layout)
    run(["ip", "link", "del", layout.uplink], quiet_failure=True)
    if (layout.directory / "ip_forward.off").exists():
        others = [
            p
            for p in layout.top.glob("*/state.json")
            if '"uplink": true' in p.read_text() and p.parent != layout.directory
        ]
        if others:
            (others[0].parent / "ip_forward.off").touch()
        else:
            _FORWARD.write_text("0")
