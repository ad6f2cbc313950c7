# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API says of itself: groups, resources, and as much of OpenAPI as kubectl asks for."""

from __future__ import annotations

import re
from typing import Any, Optional

from .kinds import ALL, Resource
from .server import Answer, Request

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
AGGREGATED = re.compile(r"application/json;g=apidiscovery\.k8s\.io;v=(v2\w*);as=APIGroupDiscoveryList")


def groups() -> dict[str, list[Resource]]:
    """Return the resources by group with version."""
    found: dict[str, list[Resource]] = {}
    for (place, _name), resource in ALL.items():
        found.setdefault(place, []).append(resource)
    return found


def _plain(resource: Resource) -> list[dict[str, Any]]:
    """Return a resource as the lists of one group tell it."""
    entry: dict[str, Any] = {
        "name": resource.name, "singularName": resource.kind.lower(), "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": ["create"] if resource.review else VERBS,
    }  # fmt: skip
    if resource.short:
        entry["shortNames"] = [resource.short]
    status = {**entry, "name": f"{resource.name}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
    return [entry, *([status] if resource.status else [])]


def _rich(resource: Resource) -> dict[str, Any]:
    """Return a resource as the list of everything tells it."""
    plain = _plain(resource)[0]
    kind = {"group": resource.group, "version": resource.group_version.rpartition("/")[2], "kind": resource.kind}
    entry = {
        "resource": resource.name, "responseKind": kind, "singularResource": plain["singularName"],
        "scope": "Namespaced" if resource.namespaced else "Cluster", "verbs": plain["verbs"],
        "shortNames": plain.get("shortNames") or [],
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
            content = {"version": number, "resources": [_rich(r) for r in resources], "freshness": "Current"}
            items.append({"metadata": {"name": group} if group else {}, "versions": [content]})
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
    return {**head, "items": items}


def _group(place: str) -> dict[str, Any]:
    """Return one group of the plain list."""
    version = {"groupVersion": place, "version": place.rpartition("/")[2]}
    return {"name": place.rpartition("/")[0], "versions": [version], "preferredVersion": version}


def _lists(path: str) -> Optional[dict[str, Any]]:
    """Return one of the plain lists."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        named = [_group(place) for place in groups() if "/" in place]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
    place = re.sub(r"^/apis?/", "", path)
    if place in groups():
        resources = [entry for resource in groups()[place] for entry in _plain(resource)]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": resources}
    return None


def _openapi(path: str) -> Optional[dict[str, Any]]:
    """Return what kubectl reads to learn whether the server validates fields: that every patch knows the parameter."""
    places = {(f"apis/{place}" if "/" in place else f"api/{place}"): found for place, found in groups().items()}
    if path == "/openapi/v3":
        return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}?hash=0"} for place in places}}
    resources = places.get(path[len("/openapi/v3/") :])
    if resources is None:
        return None
    paths = {}
    for resource in resources:
        kind = {"group": resource.group, "version": resource.group_version.rpartition("/")[2], "kind": resource.kind}
        parameters = [{"name": name, "in": "query"} for name in ("dryRun", "fieldManager", "fieldValidation", "force")]
        patch = {"parameters": parameters, "x-kubernetes-group-version-kind": kind, "x-kubernetes-action": "patch"}
        paths[f"{path[len('/openapi/v3') :]}/{resource.name}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "rehearsal"}, "paths": paths}


def answer(request: Request) -> Optional[Answer]:
    """Return the answer to a question about the API itself; nothing to any other."""
    path = request.path.rstrip("/")
    wanted = AGGREGATED.search(request.headers.get("Accept") or "")
    if path in ("/api", "/apis") and wanted:
        kind = f"application/json;g=apidiscovery.k8s.io;v={wanted.group(1)};as=APIGroupDiscoveryList"
        return Answer(200, _all_at_once(path == "/api", wanted.group(1)), {"Content-Type": kind})
    found = _openapi(path) if path.startswith("/openapi/v3") else _lists(path)
    return Answer(200, found) if found is not None else None
