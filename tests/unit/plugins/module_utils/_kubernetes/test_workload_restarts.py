# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts of workloads by an annotation."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.workload_restarts import (
    workload_restarts,
)

NAMES = ["Deployment/kube-system/coredns", "DaemonSet/web/proxy"]


def test_the_workloads_of_the_namespaces_get_the_annotation() -> None:
    (found,) = workload_restarts(NAMES, ["kube-system"], {"hardway.kubernetes/cas": "ab"})
    assert found == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {"template": {"metadata": {"annotations": {"hardway.kubernetes/cas": "ab"}}}},
    }
    assert [item["metadata"]["name"] for item in workload_restarts(NAMES, ["*"], {})] == ["coredns", "proxy"]
    assert workload_restarts(NAMES, [], {}) == []
