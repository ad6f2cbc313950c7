# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides how a node is drained: what goes, what stays, what prevents it, whose cordon it is. No I/O.

The annotation that says whose cordon it is could be forged by the node. That gains nothing: a node may lift its own
cordon anyway.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready

Object = Mapping[str, Any]
CORDONED_BY = "hardway.kubernetes/cordoned-by"
OURS, OPERATOR = "hardway", "operator"
_MIRROR = "kubernetes.io/config.mirror"
_BUDGET = re.compile(r"disruption budget (\S+)")
_SEVERAL = "more than one PodDisruptionBudget"


@dataclass(frozen=True)
class Refusal:
    """Why a pod may not be evicted now, and the budget that says so if there is one."""

    budget: str
    reason: str


def full_name(item: Object) -> str:
    """Return namespace and name of an object, or of its entry in a plan."""
    metadata = item.get("metadata") or item
    return f"{metadata['namespace']}/{metadata['name']}"


def _controller(pod: Object) -> Optional[Object]:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def fate(pod: Object) -> tuple[str, str]:
    """Return what a drain does with a pod (evict, lost, left, leaving), and its owner or why it is left alone."""
    owner = _controller(pod)
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return "left", "static"
    if owner and owner["kind"] == "DaemonSet":
        return "left", "DaemonSet"
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return "left", "finished"
    name = f"{owner['kind']} {owner['name']}" if owner else ""
    if pod["metadata"].get("deletionTimestamp"):
        return "leaving", name
    return ("evict", name) if owner else ("lost", "")


def of_fate(pods: Iterable[Object], *fates: str) -> list[Object]:
    """Return the pods with one of these fates, sorted by name."""
    return sorted((pod for pod in pods if fate(pod)[0] in fates), key=full_name)


def refusal(pod: Object, status: int, text: str, details: Object) -> Optional[Refusal]:
    """Return why budgets refuse an eviction; None if the API's error has another reason."""
    causes = [cause for cause in details.get("causes") or [] if cause.get("reason") == "DisruptionBudget"]
    if status == 429 and causes:
        reason = str(causes[0].get("message") or "the budget allows none").rstrip(".")
        found = _BUDGET.search(reason)
        return Refusal(f"{pod['metadata']['namespace']}/{found[1]}" if found else "", reason)
    if status == 500 and _SEVERAL in text:
        return Refusal("", f"it has {_SEVERAL}, which evictions do not support")
    return None


def allows_with_all_pods(budget: Optional[Object]) -> bool:
    """Return whether a budget that allows nothing now does so while its pods are moved, and not for ever."""
    status = (budget or {}).get("status") or {}
    return int(status.get("desiredHealthy") or 0) < int(status.get("expectedPods") or 0)


def is_gone(status: int, details: Object) -> bool:
    """Return whether an eviction is refused because there is no such pod any more, or its namespace is being removed.

    A conflict means that another pod has this name now.
    """
    terminating = any(cause.get("reason") == "NamespaceTerminating" for cause in details.get("causes") or [])
    return status in (404, 409) or (status == 403 and terminating)


# --- The cordon.


def _noted(node: Object) -> Optional[str]:
    return (node["metadata"].get("annotations") or {}).get(CORDONED_BY)


def _is_cordoned(node: Object) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def cordoned_by(node: Object) -> str:
    """Return who has cordoned a node: hardway, operator, or an empty string if it is schedulable."""
    if not _is_cordoned(node):
        return ""
    return OURS if _noted(node) == OURS else OPERATOR


def held_by(node: Object) -> str:
    """Return who has cordoned a node, also hardway while its run has not ended the steps after the cordon."""
    return OURS if _noted(node) == OURS else cordoned_by(node)


def is_resumed(node: Object) -> bool:
    """Return whether an earlier run has begun to drain this node."""
    return _is_cordoned(node) and _noted(node) is not None


def cordon_patch(node: Object) -> Optional[dict[str, Any]]:
    """Return the merge patch that cordons a node and notes whose cordon it is; None when both are done."""
    if is_resumed(node):
        return None
    by = OPERATOR if _is_cordoned(node) else OURS
    return {"metadata": _metadata(node, by), "spec": {"unschedulable": True}}


def uncordon_patch(node: Object, keep: bool, keep_note: bool = False) -> Optional[dict[str, Any]]:
    """Return the merge patch that lifts our cordon, or any unless those of operators are kept; None if none is due.

    The note whose cordon it was goes with it, unless it is kept for a later patch.
    """
    lifted = _is_cordoned(node) and (_noted(node) == OURS or not keep)
    if not lifted and (keep_note or _noted(node) is None):
        return None
    note = _noted(node) if keep_note else None
    return {"metadata": _metadata(node, note), **({"spec": {"unschedulable": None}} if lifted else {})}


def returned(node: Object) -> dict[str, Any]:
    """Return a node as it will be when it is back: schedulable, Ready, without the taints of its present state."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    taints = [taint for taint in spec.get("taints") or [] if not taint["key"].startswith("node.kubernetes.io/")]
    others = [one for one in status.get("conditions") or [] if one["type"] != "Ready"]
    return {
        **node,
        "spec": {**spec, "unschedulable": False, "taints": taints},
        "status": {**status, "conditions": [*others, {"type": "Ready", "status": "True"}]},
    }


def kubelet_version(node: Object) -> str:
    """Return the version of a node's kubelet, without the leading v."""
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or "").lstrip("v")


def kubelet_state(node: Object, version: str, boot: str = "") -> str:
    """Return an empty string for a node that is Ready, else what it is.

    The version of its kubelet and the ID of the boot are compared if they are given. After a boot, the node is Ready
    from before until its kubelet has reported.
    """
    runs = kubelet_version(node)
    if version and runs != version:
        return f"its kubelet is of version {runs or 'unknown'} instead of {version}"
    if boot and ((node.get("status") or {}).get("nodeInfo") or {}).get("bootID") != boot:
        return "its kubelet has not reported since the boot"
    return "" if is_ready(node) else "not Ready"


def patched(node: Any, patch: Any) -> Any:
    """Return a node as it will be after a merge patch."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(node or {})
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = patched(found.get(key), value)
    return found


def _metadata(node: Object, by: Optional[str]) -> dict[str, Any]:
    # An operator may cordon the node at the same moment.
    return {"resourceVersion": node["metadata"].get("resourceVersion"), "annotations": {CORDONED_BY: by}}


# --- The plan.


def used_bytes(summary: Object) -> dict[tuple[str, str], int]:
    """Return the bytes in each volume, by UID of the pod and name, from a kubelet's /stats/summary."""
    return {
        (pod["podRef"]["uid"], volume["name"]): int(volume["usedBytes"])
        for pod in summary.get("pods") or []
        for volume in pod.get("volume") or []
        if volume.get("usedBytes") is not None
    }


def empty_dirs(pods: Iterable[Object]) -> list[tuple[Object, Object]]:
    """Return the emptyDir volumes of pods, each with its pod."""
    volumes = ((pod, volume) for pod in pods for volume in (pod.get("spec") or {}).get("volumes") or [])
    return [(pod, volume) for pod, volume in volumes if volume.get("emptyDir") is not None]


def plan(
    node: Object,
    pods: Sequence[Object],
    *,
    refusals: Mapping[str, Refusal],
    used: Mapping[tuple[str, str], int],
    unplaceable: Sequence[tuple[Object, str]],
    waited_for: Collection[str] = (),
) -> dict[str, Any]:
    """Return what a drain will do, and what speaks against it; refusals are by UID, waited_for are UIDs of these."""
    ending = of_fate(pods, "evict", "lost")
    return {
        "node": node["metadata"]["name"],
        "cordoned_by": cordoned_by(node),
        "resumed": is_resumed(node),
        "evict": [_entry(pod, owner=fate(pod)[1]) for pod in of_fate(pods, "evict")],
        "lost": [_entry(pod) for pod in of_fate(pods, "lost")],
        "leaving": [_entry(pod, owner=fate(pod)[1]) for pod in of_fate(pods, "leaving")],
        "left": [_entry(pod, reason=fate(pod)[1]) for pod in of_fate(pods, "left")],
        "empty_dirs": [
            _entry(
                pod,
                volume=volume["name"],
                medium=volume["emptyDir"].get("medium") or "",
                size_limit=volume["emptyDir"].get("sizeLimit") or "",
                bytes=used.get((pod["metadata"]["uid"], volume["name"])),
            )
            for pod, volume in empty_dirs(ending)
        ],
        "blocked": [
            _entry(pod, budget=refused.budget, reason=refused.reason, waited_for=pod["metadata"]["uid"] in waited_for)
            for pod in ending
            if (refused := refusals.get(pod["metadata"]["uid"]))
        ],
        "unplaceable": [_entry(pod, reason=reason) for pod, reason in unplaceable],
    }


def _entry(pod: Object, **fields: Any) -> dict[str, Any]:
    return {"namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"], **fields}


def going(planned: Object) -> list[str]:
    """Return the names of the pods that a plan evicts."""
    return [full_name(entry) for kind in ("evict", "lost") for entry in planned.get(kind) or []]


def _listed(entries: Iterable[Object]) -> str:
    return shortened([full_name(entry) + (f" ({entry['reason']})" if entry.get("reason") else "") for entry in entries])


def objection(planned: Object, allowed: Object) -> str:
    """Return why a node must not be drained; empty if it may. ``allowed`` are the options of the module.

    Budgets that refuse now are no reason when a drain goes on: what it has evicted before may be why they do.
    """
    found = []
    if planned["lost"] and not allowed["delete_bare"]:
        reason = f"pods without a controller would be lost: {_listed(planned['lost'])}"
        found.append((reason, "move these pods or set delete_bare"))
    blocked = [entry for entry in planned["blocked"] if not entry["waited_for"]]
    if blocked and not allowed["force_pdb"] and not planned["resumed"]:
        reason = f"pods that may not be evicted now: {_listed(blocked)}"
        found.append((reason, "give their workloads more replicas or set force_pdb"))
    if planned["unplaceable"] and not allowed["force_room"]:
        reason = f"pods that fit on no other node: {_listed(planned['unplaceable'])}"
        found.append((reason, "add or uncordon nodes or set force_room"))
    if not found:
        return ""
    reasons, remedies = zip(*found)
    return f"node {planned['node']}: {', and '.join(reasons)}; {', and '.join(remedies)}"


def arrived(node: str, pods: Sequence[Object]) -> str:
    """Return the error for pods without a controller that were started between the plan and the cordon."""
    names = shortened([full_name(pod) for pod in pods])
    return (
        f"node {node}: pods without a controller were started meanwhile: {names}, and the node stays cordoned; move "
        "these pods or set delete_bare, and run again, or give up with state uncordoned"
    )


def overdue(
    node: str, seconds: int, pods: Sequence[Object], refusals: Mapping[str, Refusal], others: Sequence[str]
) -> str:
    """Return the error of a drain that is not done in time: what remains, why, and the way out."""
    reasons, remedies = [], []
    for pod in pods:
        refused = refusals.get(pod["metadata"]["uid"])
        budget = f"budget {refused.budget}: " if refused and refused.budget else ""
        reasons.append(f"pod {full_name(pod)} ({budget}{refused.reason if refused else 'terminating'})")
    if any(pod["metadata"]["uid"] in refusals for pod in pods):
        remedies.append("repair or scale up what the budgets protect, or set force_pdb")
    if any(pod["metadata"]["uid"] not in refusals for pod in pods):
        remedies.append("check the kubelet of the node and the finalizers of the pods")
    if others:
        remedies.append("check the controller of the CSI driver and the API servers")
    return (
        f"node {node}: not drained within {seconds} s, and it stays cordoned; what remains: "
        f"{shortened([*reasons, *others])}; {', '.join(remedies)}, and run again, or give up with state uncordoned"
    )


# --- Volumes.


def claims(pods: Iterable[Object]) -> set[tuple[str, str]]:
    """Return namespace and name of the PersistentVolumeClaims of the pods that stay and run."""
    found = set()
    for pod in pods:
        if fate(pod)[0] != "left" or fate(pod)[1] == "finished":
            continue
        for volume in (pod.get("spec") or {}).get("volumes") or []:
            if volume.get("persistentVolumeClaim"):
                found.add((pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"]))
            elif volume.get("ephemeral"):
                found.add((pod["metadata"]["namespace"], f"{pod['metadata']['name']}-{volume['name']}"))
    return found


def attached(attachments: Iterable[Object], node: str, kept: Iterable[str]) -> list[str]:
    """Return the VolumeAttachments of a node, except those of the persistent volumes that stay in use."""
    staying = set(kept)
    return sorted(
        item["metadata"]["name"]
        for item in attachments
        if item["spec"]["nodeName"] == node and item["spec"]["source"].get("persistentVolumeName") not in staying
    )


# --- The difference.


def state_lines(node: Object, pods: Iterable[str]) -> str:
    """Return a node's cordon and pods as lines for a diff."""
    lines = [f"node {node['metadata']['name']}: {'cordoned' if _is_cordoned(node) else 'schedulable'}"]
    if _noted(node) is not None:
        lines.append(f"annotation {CORDONED_BY}: {_noted(node)}")
    return "".join(f"{line}\n" for line in [*lines, *(f"pod {name}" for name in sorted(pods))])
