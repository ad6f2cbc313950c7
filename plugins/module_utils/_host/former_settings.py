# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's settings were before they were changed first: a record on the host, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import write
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.safe_paths import make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles

RECORD = "/var/lib/hardway/former-settings.json"
SECTIONS = ("sysctls", "modules", "fstab", "swap_units", "swap_devices", "users")


def recorded(host: HostFiles) -> dict[str, dict[str, str]]:
    """Return the record, with all sections."""
    try:
        found: Any = json.loads(host.read(RECORD) or "{}")
    except ValueError:
        found = {}
    return {section: dict(found.get(section) or {}) for section in SECTIONS}


def remember(host: HostFiles, former: Mapping[str, Mapping[str, str]]) -> None:
    """Add to the record what it does not have yet; what it has is older, and stays."""
    before = recorded(host)
    after = {section: {**former.get(section, {}), **before[section]} for section in SECTIONS}
    if after != before:
        make_directory(host.path(RECORD).rpartition("/")[0], 0o700)
        write(host.path(RECORD), json.dumps(after, indent=2, sort_keys=True).encode() + b"\n", mode=0o600)


def fstab_with_swap(text: str, former: Mapping[str, str]) -> str:
    """Return the fstab with those lines back that were commented out, everything else untouched."""
    lines = text.splitlines(keepends=True)
    return "".join(line[1:] if line.startswith("#") and line[1:].rstrip("\n") in former else line for line in lines)
