# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of a sandbox: a bridge in the controller's namespace, one namespace per host, nothing on the machine."""

from __future__ import annotations

import json
from pathlib import Path

from . import namespaces
from .layout import Host, Layout
from .process import run

BRIDGE = "br0"


def _batch(namespace: str, commands: list[str]) -> None:
    """Give `ip` several commands at once, inside a namespace."""
    run(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(commands) + "\n")


def _has_link(namespace: str, link: str) -> bool:
    """Say whether a namespace has an interface."""
    done = run(["ip", "-n", namespace, "-json", "link", "show", link], quiet_failure=True)
    return done.returncode == 0 and bool(json.loads(done.stdout or "[]"))


def ensure_controller(layout: Layout) -> None:
    """Make the controller's namespace with the bridge and its address."""
    namespaces.create(layout.tag)
    if not _has_link(layout.tag, BRIDGE):
        # No multicast snooping: VRRP announcements must arrive at once.
        _batch(
            layout.tag,
            [
                f"link add {BRIDGE} type bridge forward_delay 0 mcast_snooping 0",
                f"addr add {layout.controller}/24 dev {BRIDGE}",
                f"link set {BRIDGE} up",
            ],
        )


def card(layout: Layout, host: Host) -> list[str]:
    """Return the commands that give a host's network card its address and route."""
    return [
        f"addr add {host.address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {layout.controller}",
    ]


def ensure_host(layout: Layout, host: Host) -> None:
    """Make a host's namespace and plug its eth0 into the bridge."""
    namespaces.create(host.tag)
    if _has_link(host.tag, "eth0"):
        return
    _batch(
        host.tag,
        [
            f"link add eth0 address {host.mac} type veth peer name {host.name} netns {layout.tag}",
            *card(layout, host),
        ],
    )
    _batch(layout.tag, [f"link set {host.name} master {BRIDGE} up"])


def remove_host(layout: Layout, host: Host) -> None:
    """Unplug a host; whatever it had set up in its network is gone."""
    # The kernel takes a namespace apart when it has time; until then the name of the plug would be taken.
    if _has_link(layout.tag, host.name):
        _batch(layout.tag, [f"link delete {host.name}"])
    namespaces.remove(host.tag)


def remove_all(layout: Layout) -> None:
    """Remove every namespace of a sandbox."""
    for name in sorted(namespaces.names(layout.tag), reverse=True):
        namespaces.remove(name)


def resolver(layout: Layout, uplink: bool) -> str:
    """Return a host's resolv.conf; without a way out, names fail at once instead of after a timeout."""
    if not uplink:
        return f"nameserver {layout.controller}\noptions timeout:1 attempts:1\n"
    text = Path("/etc/resolv.conf").read_text(encoding="utf-8")
    behind = Path("/run/systemd/resolve/resolv.conf")
    if "nameserver 127." in text and behind.exists():
        return behind.read_text(encoding="utf-8")  # the machine's own cache on loopback is out of the hosts' reach
    return text
