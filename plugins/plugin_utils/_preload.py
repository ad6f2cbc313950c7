# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load filters and tests once, where all of Ansible's workers inherit them.

A worker is a copy of the main process for one task of one host. It loads what the main process has not loaded, every
filter of a collection as soon as an expression uses one, and forgets it at its end: without this, hundreds of times.
The main process loads an action plugin before it starts workers for it; so that is the place to call this.
"""

from __future__ import annotations

from ansible.plugins.loader import filter_loader, test_loader


def preload() -> None:
    """Load Ansible's own filters and tests, and ours."""
    filter_loader.get("hardway.kubernetes.members")
    test_loader.get("ansible.builtin.match")
