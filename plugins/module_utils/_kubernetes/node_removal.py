# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides when a node may be removed. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
# A kubelet renews its lease every 10 s, and tries again after failures within as many.
UNRESPONSIVE = 25.0


def is_silent(age: Optional[float]) -> bool:
    """Return whether a kubelet that renewed its lease so many seconds ago runs no longer. None: it never reported."""
    return age is None or age > UNRESPONSIVE


def out_of_service(node: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    """Return the patch that declares the node out of service, None if it is."""
    taints = list((node.get("spec") or {}).get("taints") or [])
    if any(taint["key"] == OUT_OF_SERVICE for taint in taints):
        return None
    taint = {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}
    # With the version: a list is replaced as a whole, and controllers write taints, too.
    return {
        "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
        "spec": {"taints": [*taints, taint]},
    }
