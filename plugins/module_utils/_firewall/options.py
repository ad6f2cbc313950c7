# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that modules host_firewall and host_preflight have in common."""

from __future__ import annotations

from typing import Any

OPENING: dict[str, Any] = {
    "protocol": {"type": "str", "choices": ["tcp", "udp", "vrrp"], "default": "tcp"},
    "port": {"type": "str", "default": ""},
    "sources": {"type": "list", "elements": "str", "required": True},
    "unit": {"type": "str", "default": ""},
    "clients": {"type": "str", "default": ""},
}
FORWARD: dict[str, Any] = {
    "source": {"type": "str", "default": ""},
    "destination": {"type": "str", "default": ""},
}
