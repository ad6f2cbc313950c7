# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the API servers rewrite all objects of some resources.

An empty patch changes nothing and is no write, unless the object is stored in another way than it would be now: then
the API server stores it again, in one transaction with its resource version. No content leaves the API server.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError, retried
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.encryption import covered

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_THREADS = 8


@dataclass(frozen=True)
class Resource:
    """A kind of objects that the API servers store, and where they are."""

    name: str
    base: str
    plural: str
    namespaced: bool

    def path(self, metadata: Mapping[str, Any]) -> str:
        """Return where an object is."""
        middle = f"/namespaces/{metadata['namespace']}" if self.namespaced else ""
        return f"{self.base}{middle}/{self.plural}/{metadata['name']}"


def stored(api: Api, patterns: Sequence[str]) -> list[Resource]:
    """Return the resources that the patterns fit, as those of an EncryptionConfiguration."""
    found: dict[str, Resource] = {}
    for base in _bases(api):
        group = base.split("/")[2] if base.startswith("/apis/") else ""
        for entry in api.get(base).get("resources") or []:
            name = f"{entry['name']}.{group}" if group else entry["name"]
            if "/" in name or not {"list", "patch"} <= set(entry.get("verbs") or []) or not covered(name, patterns):
                continue
            found.setdefault(name, Resource(name, base, entry["name"], bool(entry.get("namespaced"))))
    return list(found.values())


def _bases(api: Api) -> Iterator[str]:
    """Yield the paths of all versions of all groups, the preferred ones first; not what others store elsewhere."""
    yield "/api/v1"
    services = api.find("/apis/apiregistration.k8s.io/v1/apiservices") or {}
    elsewhere = {item["metadata"]["name"] for item in services.get("items") or [] if item["spec"].get("service")}
    for group in api.get("/apis").get("groups") or []:
        preferred = (group.get("preferredVersion") or {}).get("version")
        versions = [item["version"] for item in group["versions"]]
        for version in sorted(versions, key=lambda item: item != preferred):
            if f"{version}.{group['name']}" not in elsewhere:
                yield f"/apis/{group['name']}/{version}"


def objects(api: Api, resource: Resource) -> list[str]:
    """Return the paths of all objects, read in pages and without their content."""
    items = api.items(f"{resource.base}/{resource.plural}", accept=METADATA)
    return [resource.path(item["metadata"]) for item in items]


def rewrite(api: Api, paths: Sequence[str], *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Rewrite all objects; raise with the failed ones at the end."""

    def one(path: str) -> Optional[str]:
        try:
            retried(lambda: api.patch(path, {}), sleep=sleep)
        except (ApiError, HttpError) as exc:
            return None if getattr(exc, "status", 0) == 404 else str(exc)
        return None

    failed = [reason for reason in map_concurrently(one, paths, _THREADS) if reason]
    if failed:
        raise HardwayError(
            f"{len(failed)} of {len(paths)} objects: were not rewritten: {'; '.join(failed[:3])}; fix what refuses"
            " them, such as a webhook, and run again"
        )
