# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads filters and tests once in the main process, so that all workers inherit them.

A worker is a fork of the main process for one task of one host. When an expression uses one filter of a collection, the
worker loads all of them. Without preloading that happens hundreds of times in a run. The main process loads an action
plugin before it forks workers for it, so preload() is called there.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import filter_loader, test_loader

FILTERS = Path(__file__).resolve().parents[1] / "filter"


def preload() -> None:
    """Load Ansible's own filters and tests, and ours."""
    test_loader.get("ansible.builtin.match")
    # ansible-core does not remember which file has a filter of a collection: each worker opens all of them, for each
    # filter that it uses. No public interface changes that; without the attribute, it is only slower.
    known = getattr(filter_loader, "_cached_non_collection_wrappers", None)
    for name in (f"hardway.kubernetes.{path.stem}" for path in sorted(FILTERS.glob("[!_]*.py"))):
        found = filter_loader.get(name)
        if found and isinstance(known, dict):
            known.setdefault(name, found)
