# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads filters and tests once in the main process, so that all workers inherit them.

A worker is a fork of the main process for one task of one host. When an expression uses one filter of a collection, the
worker loads all of them. Without preloading that happens hundreds of times in a run. The main process loads an action
plugin before it forks workers for it, so preload() is called there.
"""

from __future__ import annotations

from ansible.plugins.loader import filter_loader, test_loader


def preload() -> None:
    """Load Ansible's own filters and tests, and ours."""
    filter_loader.get("hardway.kubernetes.host_addresses")
    test_loader.get("ansible.builtin.match")
