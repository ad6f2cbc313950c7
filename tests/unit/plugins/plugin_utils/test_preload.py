# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that the main process has loaded: workers open no file for them."""

from __future__ import annotations

import pkgutil
from typing import Any

import pytest
from ansible.plugins.loader import filter_loader
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _preload


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin without what is remembered."""
    filter_loader.get("ansible.builtin.combine")
    known = {name: one for name, one in filter_loader._cached_non_collection_wrappers.items() if "hardway" not in name}
    monkeypatch.setattr(filter_loader, "_cached_non_collection_wrappers", known)


def opened(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """Return the packages that are searched for a filter."""
    plain, found = pkgutil.iter_modules, []

    def search(path: Any = None, prefix: str = "") -> Any:
        found.append(prefix)
        return plain(path, prefix)

    monkeypatch.setattr(pkgutil, "iter_modules", search)
    assert filter_loader.get(name).j2_function("1", "int") == 1
    return found


def test_a_filter_is_searched_only_without_preloading(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, "hardway.kubernetes.typed")
    _preload.preload()
    assert opened(monkeypatch, "hardway.kubernetes.typed") == []


def test_an_ansible_core_that_remembers_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered there is no public interface."""

    class Loader:
        def get(self, name: str) -> object:
            return name

    monkeypatch.setattr(_preload, "filter_loader", Loader())
    _preload.preload()
