# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an object is stored: validated, admitted, numbered, and its managers recorded."""

from __future__ import annotations

import uuid
from typing import Any, Optional

from ..core.client import ApiError
from ..core.kinds import Target
from ..core.moments import moment
from ..core.schema import Schema
from ..core.server import Request
from . import merging
from .admission import Admission
from .identity import User
from .store import Conflict, Store

Object = dict[str, Any]
STATUS_PARTS = ("status", "approval")
SPECLESS = [
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "Lease",
]


def without_status(item: Object) -> Object:
    """Return an object without status and bookkeeping, to see whether its generation changes."""
    return {name: value for name, value in item.items() if name not in ("status", "metadata")}


class Objects:
    """Objects on their way into the store."""

    def __init__(self, store: Store, schema: Schema, admission: Admission) -> None:
        """Remember where objects are and what may be in them."""
        self.store, self.schema, self.admission = store, schema, admission

    def key(self, target: Target) -> str:
        """Return the place of the target in the store."""
        return target.resource.key(target.namespace, target.name)

    def found(self, target: Target) -> Object:
        """Return the object; raise ApiError when there is none."""
        item = self.store.get(self.key(target))
        if item is None:
            raise ApiError(404, f'{target.resource.full_name} "{target.name}" not found')
        return item

    def checked(self, target: Target, item: Object, request: Request) -> Object:
        """Return the object; raise ApiError when it is of another kind or has fields that do not exist."""
        kind, version = target.resource.kind, target.resource.group_version
        item.setdefault("kind", kind)
        item.setdefault("apiVersion", version)
        if (item["kind"], item["apiVersion"]) != (kind, version):
            given = f"{item['apiVersion']}, Kind={item['kind']}"
            raise ApiError(400, f"the object provided ({given}) does not match the expected {version}, Kind={kind}")
        try:
            unknown = self.schema.unknown(item, kind)
        except ValueError as exc:
            raise ApiError(400, f'{kind} in version "v1" cannot be handled as a {kind}: {exc}') from None
        item["metadata"] = item.get("metadata") or {}
        if unknown and request.query.get("fieldValidation") == "Strict":
            problems = ", ".join(f'unknown field "{name}"' for name in unknown)
            name = item["metadata"].get("name", "")
            raise ApiError(
                400, f'{kind} in version "v1" cannot be handled as a {kind} "{name}": strict decoding: {problems}'
            )
        return item

    def stored(
        self, target: Target, request: Request, user: User, old: Optional[Object], new: Object, operation: str
    ) -> Object:
        """Admit, number, record and store; return the object as it is now."""
        new = self._parts(target, old, new)
        self._keep(target, old, new)
        self.admission.admit(target, new, old, user)
        if old is not None and target.resource.kind not in SPECLESS and without_status(old) != without_status(new):
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        if operation == "Update":
            self._record(target, request, old, new)
        if old is not None and {**new, "metadata": {**new["metadata"], "resourceVersion": ""}} == {
            **old, "metadata": {**old["metadata"], "resourceVersion": ""}
        }:  # fmt: skip
            return old
        if request.query.get("dryRun") == "All":
            return new
        try:
            if _is_over(new):
                self.store.delete(self.key(target), new)
                return new
            return self.store.put(self.key(target), new, old)
        except Conflict:
            if old is None:
                name = f'{target.resource.full_name} "{target.name}"'
                raise ApiError(409, f"{name} already exists") from None
            if request.method == "PATCH":
                raise
            raise self._conflict(target) from None

    def _parts(self, target: Target, old: Optional[Object], new: Object) -> Object:
        """Return the object with only those parts changed that the request is about."""
        if old is None or not target.resource.status:
            return new
        if target.part in STATUS_PARTS:
            return {**old, "status": new.get("status") or {}, "metadata": _labelled(old, new)}
        kept = {"status": old["status"]} if "status" in old else {}
        return {**{n: v for n, v in new.items() if n != "status"}, **kept}

    def _keep(self, target: Target, old: Optional[Object], new: Object) -> None:
        """Fill in the fields that only the server sets."""
        metadata = new.setdefault("metadata", {})
        metadata["name"] = target.name
        if target.resource.namespaced:
            metadata["namespace"] = target.namespace
        before = (old or {}).get("metadata") or {}
        metadata["uid"] = before.get("uid") or str(uuid.uuid4())
        metadata["creationTimestamp"] = before.get("creationTimestamp") or moment()
        if target.resource.kind not in SPECLESS:
            metadata["generation"] = before.get("generation", 1)
        for name in ("resourceVersion", "deletionTimestamp"):
            metadata.pop(name, None)
            if name in before:
                metadata[name] = before[name]

    def _record(self, target: Target, request: Request, old: Optional[Object], new: Object) -> None:
        """Note who changed what."""
        agent = str(request.headers.get("User-Agent") or "unknown").partition("/")[0]
        manager = request.query.get("fieldManager") or agent
        entries = ((old or new).get("metadata") or {}).get("managedFields")
        owners = merging.Owners(entries, target.resource.group_version, moment())
        part = target.part if target.part in STATUS_PARTS else ""
        merging.updated(self.schema, target.resource.kind, old or {"metadata": {}}, new, owners, manager, part)
        new["metadata"]["managedFields"] = owners.entries

    def _conflict(self, target: Target) -> ApiError:
        """Return the refusal of a change that conflicts with a newer one."""
        what = f'Operation cannot be fulfilled on {target.resource.full_name} "{target.name}"'
        return ApiError(
            409, f"{what}: the object has been modified; please apply your changes to the latest version and try again"
        )


def _is_over(item: Object) -> bool:
    """Return whether a deleted object has no finalizers left; a namespace is finalized elsewhere."""
    metadata = item["metadata"]
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("finalizers") and item["kind"] != "Namespace"


def _labelled(old: Object, new: Object) -> Object:
    """Return the old metadata with the labels and annotations of the new, which a status change may bring along."""
    given = {n: v for n, v in (new.get("metadata") or {}).items() if n in ("labels", "annotations")}
    return {**old["metadata"], **given}
