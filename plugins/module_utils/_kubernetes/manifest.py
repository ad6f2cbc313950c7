# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares live objects with those of a manifest, and checks rollouts. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Optional

# Metadata managed by the server; differences are irrelevant.
BOOKKEEPING = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
# Written by the deployment controller a moment after the object.
REVISION = "deployment.kubernetes.io/revision"
ROLLED_OUT = ("Deployment", "DaemonSet", "StatefulSet")
PRUNED_KINDS = (
    "ConfigMap",
    "Secret",
    "Service",
    "ServiceAccount",
    "Deployment.apps",
    "DaemonSet.apps",
    "StatefulSet.apps",
    "Job.batch",
    "CronJob.batch",
    "Role.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
    "ClusterRole.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io",
    "NetworkPolicy.networking.k8s.io",
    "PodDisruptionBudget.policy",
    "PriorityClass.scheduling.k8s.io",
)
# Further ones that manifests of operators have. Not those with data of their own, such as volumes.
FURTHER_PRUNED_KINDS = (
    "Pod",
    "LimitRange",
    "ResourceQuota",
    "APIService.apiregistration.k8s.io",
    "CSIDriver.storage.k8s.io",
    "HorizontalPodAutoscaler.autoscaling",
    "Ingress.networking.k8s.io",
    "IngressClass.networking.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "RuntimeClass.node.k8s.io",
    "StorageClass.storage.k8s.io",
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
)
KEPT_KINDS = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")
DECIDING = (
    "Role.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
    "ClusterRole.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io",
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
)
Object = dict[str, Any]


def identity(item: Object) -> str:
    """Return group/kind, namespace and name: what makes the object the same in two lists."""
    group = item["apiVersion"].rpartition("/")[0]
    metadata = item["metadata"]
    return f"{resource(item['kind'], group)} {metadata.get('namespace', '')}/{metadata['name']}"


def resource(kind: str, group: str) -> str:
    """Return the kind as kubectl takes it on its command line."""
    return f"{kind}.{group}" if group else kind


def kind_of(item: Object) -> str:
    """Return the object's kind as kubectl takes it on its command line."""
    return resource(item["kind"], item["apiVersion"].rpartition("/")[0])


def objects_of(output: str) -> list[Object]:
    """Return the objects that kubectl printed as JSON: none, one, a List, or several, as `kubectl replace` does."""
    found: list[Object] = []
    rest = output.strip()
    while rest:
        parsed, end = json.JSONDecoder().raw_decode(rest)
        found += (parsed.get("items") or []) if parsed.get("kind") == "List" else [parsed]
        rest = rest[end:].lstrip()
    return found


def meaning(item: Object) -> Object:
    """Return the object without status and bookkeeping."""
    metadata = {name: value for name, value in item["metadata"].items() if name not in BOOKKEEPING}
    annotations = {name: value for name, value in metadata.pop("annotations", {}).items() if name != REVISION}
    if annotations:
        metadata["annotations"] = annotations
    return {**{name: value for name, value in item.items() if name not in ("metadata", "status")}, "metadata": metadata}


def changes(live: Iterable[Object], target: Iterable[Object]) -> list[tuple[Optional[Object], Object]]:
    """Return (live or None, target) for each object that is new or differs, in the manifest's order."""
    found = {identity(item): item for item in live}
    pairs = [(found.get(identity(item)), item) for item in target]
    return [(old, new) for old, new in pairs if old is None or meaning(old) != meaning(new)]


def surplus(labelled: Iterable[Object], target: Iterable[Object], manager: str) -> list[Object]:
    """Return the labelled objects of our field manager that are no longer in the manifest."""
    wanted = {identity(item) for item in target}
    return [
        item
        for item in labelled
        if identity(item) not in wanted
        and not item["metadata"].get("ownerReferences")
        and not item["metadata"].get("deletionTimestamp")
        and any(
            entry.get("manager") == manager and entry.get("operation") == "Apply"
            for entry in item["metadata"].get("managedFields") or []
        )
    ]


def extended(live: Iterable[Object], manager: str) -> bool:
    """Return whether others have written parts of an object that decides who may do what.

    A server-side apply keeps what they added: a condition by which a policy matches nothing, a further resource.
    """
    return any(
        kind_of(item) in DECIDING
        and entry.get("manager") != manager
        and not entry.get("subresource")
        and set(entry.get("fieldsV1") or {}) - {"f:metadata"}
        for item in live
        for entry in item["metadata"].get("managedFields") or []
    )


def unlabelled(target: Iterable[Object], label: str) -> list[str]:
    """Return the identities of objects that lack the label by which they would be pruned."""
    name, _sep, value = label.partition("=")
    return [identity(item) for item in target if (item["metadata"].get("labels") or {}).get(name) != value]


def unready(items: Iterable[Object]) -> list[str]:
    """Return one sentence for each workload whose rollout is not complete."""
    return [f"{identity(item)}: {_rollout(item)}" for item in items if item["kind"] in ROLLED_OUT and _rollout(item)]


def _rollout(item: Object) -> str:
    """Return why the rollout is not complete, or nothing; nothing, too, where it waits for the user."""
    status, spec = item.get("status") or {}, item["spec"]
    if spec.get("paused") or (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return ""
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return "its controller has not seen the change"
    if item["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    else:
        wanted = spec.get("replicas", 1)
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        if item["kind"] == "Deployment" and status.get("replicas", 0) > updated:
            return f"{status['replicas'] - updated} old replicas are left"
    if updated < wanted:
        return f"{updated} of {wanted} are updated"
    return f"{available} of {wanted} are available" if available < wanted else ""


def masked(item: Optional[Object], other: Optional[Object] = None) -> Optional[Object]:
    """Return the object fit for a diff: of a Secret's values it shows only whether they change."""
    if item is None or item["kind"] != "Secret":
        return item
    shown = dict(item)
    for field in ("data", "stringData"):
        if item.get(field):
            before = ((other or {}).get(field)) or {}
            shown[field] = {
                key: "(hidden)" if before.get(key) == value else "(hidden, differs)"
                for key, value in item[field].items()
            }
    return shown


def diff_of(changed: Sequence[tuple[Optional[Object], Object]], doomed: Sequence[Object]) -> list[dict[str, str]]:
    """Return Ansible's diff: one entry per object that is made, changed or pruned."""
    pairs: list[tuple[Optional[Object], Optional[Object]]] = [*changed, *((item, None) for item in doomed)]
    entries = []
    for old, new in pairs:
        name = identity(new or old or {})
        entries.append(
            {
                "before_header": name,
                "after_header": name,
                "before": _text(masked(old, new)),
                "after": _text(masked(new, old)),
            }
        )
    return entries


def _text(item: Optional[Object]) -> str:
    """Return the object as lines in a stable order."""
    return json.dumps(meaning(item), indent=2, sort_keys=True) + "\n" if item else ""


def raw_diff(content: str) -> dict[str, str]:
    """Return the diff without an API server; Secrets are omitted."""
    documents = re.split(r"(?m)^---\s*$", content)
    shown = [text.strip("\n") if not has_secret(text) else "# a Secret (hidden)" for text in documents]
    return {"before": "", "after": "\n---\n".join(text for text in shown if text.strip()) + "\n"}


def has_secret(content: str) -> bool:
    """Return whether a Secret is among the documents, YAML or JSON."""
    return bool(re.search(r"""["']?kind["']?\s*:\s*["']?Secret\b""", content))
