# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares labels and taints of nodes with the inventory. No I/O.

What is ours is recorded in a ConfigMap that no node may read or write. A node may write annotations of its own Node
object: what one of them said was ours could be a restricted label or the taint of a quarantine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

RECORDS = "hardway-nodes"
NONE: dict[str, list[str]] = {"labels": [], "taints": []}
# With it, playbook add registers a node: no pod runs there until its network was tested.
JOINING = "hardway/joining:NoSchedule"
Taint = Mapping[str, Any]
Owned = Mapping[str, Sequence[str]]


def taint_id(taint: Taint) -> str:
    """Return what makes a taint the same in two lists."""
    return f"{taint['key']}:{taint['effect']}"


def is_joining(node: Mapping[str, Any]) -> bool:
    """Return whether a node still has the taint with which it was registered."""
    return any(taint_id(taint) == JOINING for taint in (node.get("spec") or {}).get("taints") or [])


def owned_by(labels: Mapping[str, str], taints: Sequence[Taint]) -> dict[str, list[str]]:
    """Return the record for a node with these labels and taints."""
    return {"labels": sorted(labels), "taints": sorted(taint_id(taint) for taint in taints)}


def records_of(config_map: Optional[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return by node what earlier runs gave it; an entry that cannot be read counts as none."""
    found = {}
    for name, text in ((config_map or {}).get("data") or {}).items():
        try:
            known = json.loads(text)
            found[name] = {kind: [str(item) for item in known[kind]] for kind in NONE}
        except (ValueError, TypeError, KeyError):
            found[name] = {kind: list(items) for kind, items in NONE.items()}
    return found


def record(owned: Owned) -> Optional[str]:
    """Return the entry for a node; None, which removes it, where nothing is ours."""
    return json.dumps(owned, sort_keys=True) if any(owned.values()) else None


def both(one: Owned, other: Owned) -> dict[str, list[str]]:
    """Return what is ours by either."""
    return {kind: sorted({*one[kind], *other[kind]}) for kind in NONE}


def patch_of(
    node: Mapping[str, Any], labels: Mapping[str, str], taints: Sequence[Taint], before: Owned
) -> Optional[dict[str, Any]]:
    """Return the merge patch that brings a node to what is wanted, None when it is there.

    ``before`` is what earlier runs gave it; only that is taken away.
    """
    metadata: dict[str, Any] = {}
    changed = _label_changes(node["metadata"].get("labels") or {}, labels, before["labels"])
    if changed:
        metadata["labels"] = changed
    patch: dict[str, Any] = {"metadata": metadata} if metadata else {}
    present = (node.get("spec") or {}).get("taints") or []
    wanted = _taints(present, taints, before["taints"])
    if wanted != present:
        patch["spec"] = {"taints": wanted}
    if not patch:
        return None
    # A concurrent change of taints must not be lost.
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


def unannotated(
    known: Mapping[str, Mapping[str, Any]], expected: Iterable[str], annotation: Optional[str]
) -> list[str]:
    """Return which registered nodes of those expected lack an annotation; none where no annotation is asked for."""
    if not annotation:
        return []
    registered = (name for name in expected if name in known)
    return sorted(name for name in registered if annotation not in (known[name]["metadata"].get("annotations") or {}))
