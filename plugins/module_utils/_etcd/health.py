# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an etcd cluster, read through its HTTPS gateway without etcdctl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.members import (
    assemble,
    highest_revision,
    problems,
    status_of_gateway,
    status_of_metrics,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request

ARGUMENTS: dict[str, dict[str, Any]] = {
    "endpoints": {"type": "list", "elements": "str", "required": True},
    "ca": {"type": "path", "required": True},
    "cert": {"type": "path", "required": True},
    "key": {"type": "path", "required": True},
}


class Etcd:
    """Queries all endpoints in parallel; an endpoint that does not answer is a problem, not an exception."""

    def __init__(
        self, endpoints: Sequence[str], tls: Tls, *, timeout: float = 3.0, send: Callable[..., Response] = request
    ) -> None:
        """Remember how to reach the members; nothing is sent yet."""
        self.endpoints = [endpoint.rstrip("/") for endpoint in endpoints]
        self.tls = tls
        self.timeout = timeout
        self._send = send

    def state(self) -> dict[str, Any]:
        """Return the state of the members and the cluster: see ``assemble``."""
        answers = map_concurrently(self._ask, self.endpoints)
        # An alarm makes a member unhealthy; it can still report which.
        speaking = sorted((answer for answer in answers if answer["status"]), key=lambda a: not a["healthy"])
        listed: dict[str, Any] = {"members": [], "alarms": [], "errors": []}
        for answer in speaking:
            listed = self._ask_cluster(answer["endpoint"])
            if not listed["errors"]:
                break
        return assemble(answers, listed)

    def call(self, endpoint: str, path: str, body: bytes = b"{}") -> Any:
        """Return the parsed answer of a gateway call; raise HttpError on failure."""
        answer = self._send(endpoint + path, method="POST", body=body, tls=self.tls, timeout=self.timeout)
        if answer.status != 200:
            text = answer.body.decode("utf-8", "replace").strip()[:200]
            raise HttpError(f"POST {endpoint}{path}: etcd answers {answer.status}: {text}; see etcd's journal")
        return answer.json()

    def _ask(self, endpoint: str) -> dict[str, Any]:
        """Return one member's health and status."""
        answer: dict[str, Any] = {"endpoint": endpoint, "healthy": False, "error": "", "status": {}}
        try:
            health = self._send(endpoint + "/health", tls=self.tls, timeout=self.timeout)
            answer["healthy"] = health.status == 200
            if not answer["healthy"]:
                answer["error"] = health.body.decode("utf-8", "replace").strip()[:200]
            answer["status"] = self._status(endpoint)
        except (HttpError, ValueError) as exc:
            answer["healthy"] = False
            answer["error"] = str(exc)
        return answer

    def _status(self, endpoint: str) -> dict[str, Any]:
        """Return the member's status; from its metrics where an enabled authentication closes the gateway."""
        try:
            return status_of_gateway(self.call(endpoint, "/v3/maintenance/status"))
        except HttpError:
            answer = self._send(endpoint + "/metrics", tls=self.tls, timeout=self.timeout)
            return status_of_metrics(answer.body.decode("utf-8", "replace"))

    def _ask_cluster(self, endpoint: str) -> dict[str, Any]:
        """Return the member list and the alarms as one healthy member knows them."""
        try:
            members = self.call(endpoint, "/v3/cluster/member/list", b'{"linearizable": true}')
            alarms = self.call(endpoint, "/v3/maintenance/alarm", b'{"action": "GET"}')
        except (HttpError, ValueError) as exc:
            return {"members": [], "alarms": [], "errors": [str(exc)]}
        return {"members": members.get("members", []), "alarms": alarms.get("alarms", []), "errors": []}


def evaluated(etcd: Etcd, expected: Sequence[str] = ()) -> Callable[[], dict[str, Any]]:
    """Return a function that reads the state and adds ``problems``, comparing revisions with its previous call."""
    newest = 0

    def probe() -> dict[str, Any]:
        nonlocal newest
        # Members are not queried at the same instant, so compare with the newest revision of the previous call.
        before = newest or highest_revision(etcd.state())
        state = etcd.state()
        newest = highest_revision(state)
        state["revision"] = newest
        state["versions"] = sorted({member["version"] for member in state["members"] if member["version"]})
        state["problems"] = problems(state, expected, behind=before)
        del state["listed"], state["leaders"], state["errors"]
        return state

    return probe
