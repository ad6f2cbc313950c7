# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an eviction's answer means, and when a request is sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError, retried
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.drain import Refusal
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.eviction import NodePods

POD = {"metadata": {"namespace": "a", "name": "p", "uid": "u"}}
NEEDS = "The disruption budget web needs 2 healthy pods and has 2 currently."
BUDGET = {"causes": [{"reason": "DisruptionBudget", "message": NEEDS}]}


class Server:
    """Answers each change with one status, and remembers the requests."""

    def __init__(self, status: int, message: str = "", details: Any = None) -> None:
        self.answer = {"message": message, "details": details or {}}
        self.status = status
        self.sent: list[tuple[str, str, Any]] = []

    def __call__(self, url: str, *, method: str = "GET", body: bytes | None = None, **_options: Any) -> Response:
        if method == "GET":
            return Response(200, {}, b"{}", None)
        self.sent.append((method, url, json.loads(body or b"{}")))
        return Response(self.status, {}, json.dumps(self.answer).encode(), None)

    def pods(self, grace_period: int = -1) -> NodePods:
        """Return the pods of a node behind this server."""
        return NodePods(Api(["https://s"], Tls(), send=self), "n1", grace_period)


def test_an_eviction_names_the_uid_and_the_grace_period_only_if_there_is_one() -> None:
    server = Server(201)
    assert server.pods().evict(POD) is True and server.pods(7).evict(POD, dry_run=True) is True
    (_post, url, body), (_again, dry_url, other) = server.sent
    assert url == "https://s/api/v1/namespaces/a/pods/p/eviction" and dry_url == f"{url}?dryRun=All"
    assert body["deleteOptions"] == {"preconditions": {"uid": "u"}}
    assert other["deleteOptions"] == {"preconditions": {"uid": "u"}, "gracePeriodSeconds": 7}
    assert server.pods(0).delete(POD)
    assert server.sent[-1][0] == "DELETE" and server.sent[-1][2]["gracePeriodSeconds"] == 0


@pytest.mark.parametrize("status", [404, 409])
def test_a_pod_that_is_gone_is_neither_evicted_nor_refused(status: int) -> None:
    server = Server(status)
    assert server.pods().evict(POD) is False and server.pods().delete(POD) is False


def test_what_budgets_and_webhooks_refuse() -> None:
    assert Server(429, "no", BUDGET).pods().evict(POD) == Refusal("a/web", NEEDS.rstrip("."))
    assert Server(429, "no", BUDGET).pods().try_eviction(POD) == Refusal("a/web", NEEDS.rstrip("."))
    denied = Server(403, "webhook: not now").pods().try_eviction(POD)
    assert denied is not None and denied.budget == "" and "not now" in denied.reason
    assert Server(400, "admission webhook w does not support dry run").pods().try_eviction(POD) is None
    with pytest.raises(ApiError):
        Server(403, "webhook: not now").pods().evict(POD)


def test_temporary_errors_are_retried_and_others_are_not() -> None:
    def failing(*statuses: int | None) -> Any:
        left = list(statuses)

        def call() -> int:
            status = left.pop(0)
            if status is None:
                raise HttpError("reset")
            if status >= 300:
                error = ApiError("refused")
                error.status = status
                raise error
            return len(left)

        return call

    pauses: list[float] = []
    assert retried(failing(503, None, 429, 409, 200), sleep=pauses.append) == 0
    assert pauses == sorted(pauses) and len(pauses) == 4
    for statuses in ((403, 200), (503,) * 8 + (200,)):
        with pytest.raises(ApiError):
            retried(failing(*statuses), sleep=lambda _seconds: None)


def test_a_kubelet_that_does_not_answer_leaves_the_bytes_unknown() -> None:
    pods = Server(200).pods()
    pods.api.servers = ["https://127.0.0.1:9"]
    pods.api._server = pods.api.servers[0]
    assert pods.used_bytes() == {}
