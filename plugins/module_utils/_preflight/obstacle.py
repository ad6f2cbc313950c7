# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One obstacle on a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What host_skip_checks can name.
NAMES = (
    "privileges",
    "python",
    "pipelining",
    "clock",
    "clock_sync",
    "systemd",
    "kernel",
    "cgroups",
    "memory",
    "cpus",
    "mounts",
    "disk",
    "units",
    "dropins",
    "leftovers",
    "cni",
    "logind",
    "selinux",
    "address",
    "ports",
    "local_ports",
    "routes",
    "resolver",
    "endpoint",
    "proxy",
    "firewall",
    "identity",
    "mtu",
)
# check is the name by which host_skip_checks skips it, severity is error or warning.
Obstacle = dict[str, str]
Seen = Mapping[str, Any]
Want = Mapping[str, Any]


def error(check: str, what: str, reason: str, remedy: str) -> Obstacle:
    """Return what ends the run before the first change."""
    return {"check": check, "severity": "error", "message": f"{what}: {reason}; {remedy}"}


def warning(check: str, what: str, reason: str, remedy: str) -> Obstacle:
    """Return what is shown, and the run goes on."""
    return {**error(check, what, reason, remedy), "severity": "warning"}
