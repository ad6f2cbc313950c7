# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery: groups, resources, and as much of OpenAPI as kubectl needs."""

from __future__ import annotations

import re
from typing import Any, Optional

from ..core.kinds import ALL, Resource
from ..core.server import Answer, Request

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
AGGREGATED = re.compile(r"application/json;g=apidiscovery\.k8s\.io;v=(v2\w*);as=APIGroupDiscoveryList")


def groups() -> dict[str, list[Resource]]:
    """Return the resources by group with version."""
    found: dict[str, list[Resource]] = {}
    for (place, _name), resource in ALL.items():
        found.setdefault(place, []).append(resource)
    return found


def _entry(resource: Resource) -> dict[str, Any]:
    """Return a resource as the aggregated list shows it."""
    kind = resource.described
    entry: dict[str, Any] = {
        "resource": resource.name, "responseKind": kind, "singularResource": resource.kind.lower(),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "verbs": ["create"] if resource.review else VERBS,
        "shortNames": [resource.short] if resource.short else [],
    }  # fmt: skip
    if resource.status:
        entry["subresources"] = [{"subresource": "status", "responseKind": kind, "verbs": ["get", "patch", "update"]}]
    return entry


def _all_at_once(old: bool, version: str) -> dict[str, Any]:
    """Return the aggregated list of the oldest group, or of all others."""
    items = []
    for place, resources in groups().items():
        group, _slash, number = place.rpartition("/")
        if bool(group) != old:
            content = {"version": number, "resources": [_entry(r) for r in resources], "freshness": "Current"}
            items.append({"metadata": {"name": group} if group else {}, "versions": [content]})
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
    return {**head, "items": items}


def _openapi(path: str) -> Optional[dict[str, Any]]:
    """Return what kubectl reads to find out whether the server validates fields: every patch has the parameter."""
    places = {(f"apis/{place}" if "/" in place else f"api/{place}"): found for place, found in groups().items()}
    if path == "/openapi/v3":
        return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}?hash=0"} for place in places}}
    resources = places.get(path[len("/openapi/v3/") :])
    if resources is None:
        return None
    paths = {}
    for resource in resources:
        parameters = [{"name": name, "in": "query"} for name in ("dryRun", "fieldManager", "fieldValidation", "force")]
        patch: dict[str, Any] = {"parameters": parameters, "x-kubernetes-action": "patch"}
        patch["x-kubernetes-group-version-kind"] = resource.described
        paths[f"{path[len('/openapi/v3') :]}/{resource.name}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "rehearsal"}, "paths": paths}


def answer(request: Request) -> Optional[Answer]:
    """Return the answer to a discovery request; nothing to any other."""
    path = request.path.rstrip("/")
    if path in ("/api", "/apis"):
        wanted = AGGREGATED.search(request.headers.get("Accept") or "")
        # Clients that request the plain lists, as kubectl did before 1.26, get this one, too.
        version = wanted.group(1) if wanted else "v2"
        kind = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        return Answer(200, _all_at_once(path == "/api", version), {"Content-Type": kind})
    found = _openapi(path) if path.startswith("/openapi/v3") else None
    return Answer(200, found) if found is not None else None
