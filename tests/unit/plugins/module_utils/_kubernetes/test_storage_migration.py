# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are stored again, and what happens to those that are refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.storage_migration import (
    objects,
    rewrite,
    stored,
)

ALL = ["get", "list", "patch"]
RESOURCES = {
    "/api/v1": [("secrets", True, ALL), ("nodes", False, ALL), ("nodes/status", False, ALL), ("bindings", True, [])],
    "/apis/apps/v1": [("deployments", True, ALL)],
    "/apis/example.org/v2": [("widgets", False, ALL)],
    "/apis/example.org/v1": [("widgets", False, ALL), ("gadgets", True, ALL)],
}
GROUPS = {"apps": ["v1"], "example.org": ["v2", "v1"], "metrics.k8s.io": ["v1beta1"]}
SERVICES = [("v1.apps", None), ("v1beta1.metrics.k8s.io", {"name": "metrics"})]


class Server:
    """Answers like an API server: pages of two, and the statuses that a test wants for patches."""

    def __init__(self) -> None:
        self.secrets = [{"metadata": {"namespace": "a", "name": f"s{number}"}} for number in range(5)]
        self.patched: Counter[str] = Counter()
        self.refusals: dict[str, list[int]] = {}

    def __call__(self, url: str, *, method: str = "GET", **_options: Any) -> Response:
        parts = urlsplit(url)
        status, body = self.patch(parts.path) if method == "PATCH" else (200, self.get(parts.path, parts.query))
        return Response(status, {}, json.dumps(body).encode(), None)

    def get(self, path: str, query: str) -> Any:
        if path in RESOURCES:
            return {"resources": [{"name": n, "namespaced": ns, "verbs": v} for n, ns, v in RESOURCES[path]]}
        if path == "/apis":
            groups = [
                {"name": name, "preferredVersion": {"version": found[0]}, "versions": [{"version": v} for v in found]}
                for name, found in GROUPS.items()
            ]
            return {"groups": groups}
        if path.endswith("/apiservices"):
            return {"items": [{"metadata": {"name": n}, "spec": {"service": s} if s else {}} for n, s in SERVICES]}
        if path == "/api/v1/secrets":
            start = int(parse_qs(query).get("continue", ["0"])[0])
            more = {"continue": str(start + 2)} if start + 2 < len(self.secrets) else {}
            return {"items": self.secrets[start : start + 2], "metadata": more}
        assert path == "/readyz", path
        return {}

    def patch(self, path: str) -> tuple[int, Any]:
        self.patched[path] += 1
        left = self.refusals.get(path) or []
        status = left.pop(0) if left else 200
        if status == 0:
            raise HttpError("no answer")
        return status, {"message": "no"}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def api(server: Server) -> Api:
    return Api(["https://m1"], Tls(), send=server)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["secrets"], ["secrets"]),
        (["*."], ["nodes", "secrets"]),
        (["widgets.example.org", "deployments.apps"], ["deployments.apps", "widgets.example.org"]),
        (["*.example.org"], ["gadgets.example.org", "widgets.example.org"]),
        (["*.*"], ["deployments.apps", "gadgets.example.org", "nodes", "secrets", "widgets.example.org"]),
        ([], []),
    ],
)
def test_which_resources_are_stored_again(api: Api, patterns: list[str], names: list[str]) -> None:
    """Each once, by its preferred version; no subresources, nothing that is not stored, nothing of other servers."""
    found = {resource.name: resource for resource in stored(api, patterns)}
    assert sorted(found) == names
    if "widgets.example.org" in found:
        assert found["widgets.example.org"].path({"name": "w"}) == "/apis/example.org/v2/widgets/w"


def test_all_pages_are_read(api: Api) -> None:
    (secrets,) = stored(api, ["secrets"])
    assert objects(api, secrets) == [f"/api/v1/namespaces/a/secrets/s{number}" for number in range(5)]


def test_temporary_refusals_are_retried(api: Api, server: Server) -> None:
    """A conflict, too many requests, a server that went away; an object that is gone needs nothing."""
    server.refusals = {"/a": [409, 429, 0], "/b": [404], "/c": []}
    rewrite(api, ["/a", "/b", "/c"], sleep=lambda _seconds: None)
    assert server.patched == {"/a": 4, "/b": 1, "/c": 1}


def test_objects_that_could_not_be_stored_are_reported_at_the_end(api: Api, server: Server) -> None:
    server.refusals = {"/a": [403], "/b": [409] * 99}
    with pytest.raises(HardwayError, match=r"^2 of 3 objects: were not rewritten: PATCH /a: the API answers 403"):
        rewrite(api, ["/a", "/b", "/c"], sleep=lambda _seconds: None)
    assert server.patched["/c"] == 1
