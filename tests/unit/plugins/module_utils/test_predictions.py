# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check run remembers of the files that it does not write."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _predictions
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._predictions import noted, with_predictions, written


@pytest.mark.parametrize(
    ("result", "paths"),
    [
        ({"paths": {"/etc/a": ["content"]}}, ["/etc/a"]),
        ({"paths": {"etcd": "/opt/hardway/etcd/1/etcd"}, "linked": ["/usr/local/bin/etcd"]}, ["/usr/local/bin/etcd"]),
        ({"kubeconfigs": [{"path": "/etc/k", "changed": True}, {"path": "/etc/l", "changed": False}]}, ["/etc/k"]),
        (
            {
                "certificates": [{"path": "/p/server", "changed": True}, {"path": "/p/peer", "changed": False}],
                "trust": [{"path": "/p/ca.crt", "changed": True}],
            },
            ["/p/ca.crt", "/p/server.crt", "/p/server.key"],
        ),
        ({"units": {}}, []),
    ],
)
def test_each_module_reports_what_it_would_write(result: dict[str, Any], paths: list[str]) -> None:
    assert written(result) == paths


def test_predictions_add_up_over_the_tasks_of_one_run() -> None:
    first = with_predictions({"changed": True, "paths": {"/etc/a": ["content"]}}, {})
    second = {"changed": True, "paths": {"/etc/b": ["content"]}}
    assert "ansible_facts" not in with_predictions({**second, "changed": False}, first)
    assert noted(with_predictions(second, first)) == ["/etc/a", "/etc/b"]


def test_predictions_of_another_run_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = with_predictions({"changed": True, "paths": {"/etc/a": ["content"]}}, {})
    monkeypatch.setattr(_predictions, "RUN", "another")
    assert noted(cached) == []
    assert noted(with_predictions({"changed": True, "paths": {"/etc/b": ["content"]}}, cached)) == ["/etc/b"]
