# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts of workloads by an annotation of their pod template."""

from __future__ import annotations

import typing as t


def workload_restarts(
    names: t.Iterable[str], namespaces: t.Container[str], annotations: t.Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """Return a manifest for each workload of the namespaces, V(*) for all, with annotations of its pod template.

    Names are C(Kind/namespace/name). Kubernetes restarts the workload only if an annotation changes.
    """
    found = []
    for kind, namespace, name in (line.split("/") for line in names):
        if "*" in namespaces or namespace in namespaces:
            template = {"metadata": {"annotations": dict(annotations)}}
            metadata = {"name": name, "namespace": namespace}
            found.append({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": template}})
    return found
