# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change at a node so that it has the labels and taints of the inventory, and no more of ours; no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

# Remembers at the node itself what came from the inventory; only that is taken away again.
OWNED = "hardway.kubernetes/owned"
Taint = Mapping[str, Any]


def taint_id(taint: Taint) -> str:
    """Return what makes a taint the same in two lists."""
    return f"{taint['key']}:{taint['effect']}"


def owned_of(node: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the labels and taints that an earlier run gave the node; what nobody can read counts as none."""
    try:
        known = json.loads((node["metadata"].get("annotations") or {}).get(OWNED) or "{}")
        return {"labels": list(known.get("labels", [])), "taints": list(known.get("taints", []))}
    except (ValueError, AttributeError, TypeError):
        return {"labels": [], "taints": []}


def patch_of(node: Mapping[str, Any], labels: Mapping[str, str], taints: Sequence[Taint]) -> Optional[dict[str, Any]]:
    """Return the merge patch that brings a node to what is wanted, None when it is there."""
    before = owned_of(node)
    owned = {"labels": sorted(labels), "taints": sorted(taint_id(taint) for taint in taints)}
    metadata: dict[str, Any] = {}
    changed = _label_changes(node["metadata"].get("labels") or {}, labels, before["labels"])
    if changed:
        metadata["labels"] = changed
    if owned != before:
        metadata["annotations"] = {OWNED: json.dumps(owned, sort_keys=True)}
    patch: dict[str, Any] = {"metadata": metadata} if metadata else {}
    present = (node.get("spec") or {}).get("taints") or []
    wanted = _taints(present, taints, before["taints"])
    if wanted != present:
        patch["spec"] = {"taints": wanted}
    if not patch:
        return None
    # Somebody else's taint must not be lost between reading and writing.
    patch.setdefault("metadata", {})["resourceVersion"] = node["metadata"].get("resourceVersion")
    return patch


def lines(node: Mapping[str, Any]) -> str:
    """Return labels and taints as lines for a diff."""
    found = [f"label {key}={value}" for key, value in sorted((node["metadata"].get("labels") or {}).items())]
    taints = (node.get("spec") or {}).get("taints") or []
    found += sorted(f"taint {t['key']}={t.get('value') or ''}:{t['effect']}" for t in taints)
    return "".join(f"{line}\n" for line in found)


def patched(node: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the node as it will be, for a diff."""
    labels = {**(node["metadata"].get("labels") or {}), **patch["metadata"].get("labels", {})}
    spec = {**(node.get("spec") or {}), **patch.get("spec", {})}
    return {"metadata": {"labels": {k: v for k, v in labels.items() if v is not None}}, "spec": spec}


def _label_changes(
    present: Mapping[str, str], wanted: Mapping[str, str], before: Sequence[str]
) -> dict[str, Optional[str]]:
    """Return the labels to set, and as None those to take away."""
    changed: dict[str, Optional[str]] = {k: v for k, v in wanted.items() if present.get(k) != v}
    changed.update({key: None for key in before if key not in wanted and key in present})
    return changed


def _taints(present: Sequence[Taint], wanted: Sequence[Taint], before: Sequence[str]) -> list[Taint]:
    """Return the taints that the node is to have, in the order it has them."""
    asked = {taint_id(taint): taint for taint in wanted}
    found: list[Taint] = []
    for taint in present:
        new = asked.pop(taint_id(taint), None)
        if new is None and taint_id(taint) not in before:
            found.append(taint)
        elif new is not None:
            found.append(taint if (taint.get("value") or "") == (new.get("value") or "") else new)
    return found + list(asked.values())
