# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the Kubernetes API with failover between servers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, TypeVar
from urllib.parse import quote

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request

ARGUMENTS: dict[str, dict[str, Any]] = {
    "servers": {"type": "list", "elements": "str", "required": True},
    "ca": {"type": "path", "default": "/etc/kubernetes/pki/ca.crt"},
    "cert": {"type": "path", "default": "/etc/kubernetes/pki/admin.crt"},
    "key": {"type": "path", "default": "/etc/kubernetes/pki/admin.key"},
}
# Statuses of temporary errors: conflict, overload, or no server.
_TRANSIENT = frozenset({0, 409, 429, 500, 503, 504})
# In the text of other statuses: the API server has lost its etcd meanwhile, as in a 422 for a service without address.
_ETCD_LOST = "rpc error: code = Unavailable"
_PAGE = 500
_ATTEMPTS = 8
Result = TypeVar("Result")


class ApiError(HardwayError):
    """The API refused, with its HTTP status and details; status 0 means that no server answered."""

    status = 0
    details: Mapping[str, Any] = {}


class Api:
    """Uses the first ready server, and switches to another one when it fails."""

    def __init__(
        self, servers: Sequence[str], tls: Tls, *, timeout: float = 5.0, send: Callable[..., Response] = request
    ) -> None:
        """Remember how to reach the API; nothing is sent yet."""
        self.servers = [server.rstrip("/") for server in servers]
        self.tls = tls
        self.timeout = timeout
        self.date: Optional[str] = None
        self._send = send
        self._server: Optional[str] = None

    @classmethod
    def of(cls, params: dict[str, Any]) -> Api:
        """Return the client that the module parameters of ARGUMENTS describe."""
        return cls(params["servers"], Tls(ca=params["ca"], cert=params["cert"], key=params["key"]))

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        """Return the object at the path."""
        return self._call("GET", path, accept=accept)

    def text(self, path: str) -> str:
        """Return what the path answers, such as metrics, as text."""
        answer = self._once("GET", path, None, "", "text/plain")
        if answer.status >= 300:
            raise refusal("GET", path, answer)
        return answer.body.decode("utf-8", "replace")

    def items(self, path: str, accept: str = "application/json", **values: str) -> list[dict[str, Any]]:
        """Return all objects of a list, read in pages; the values are its query."""
        found: list[dict[str, Any]] = []
        values["limit"] = str(_PAGE)
        while True:
            answer = self.get(query(path, **values), accept=accept)
            found += answer.get("items") or []
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return found
            values["continue"] = token

    def find(self, path: str) -> Optional[dict[str, Any]]:
        """Return the object at the path, or None where there is none."""
        try:
            return self.get(path)
        except ApiError as exc:
            if exc.status == 404:
                return None
            raise

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object; return it as the server stored it."""
        return self._call("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Replace an object; return it as the server stored it."""
        return self._call("PUT", path, body)

    def patch(
        self, path: str, body: dict[str, Any], content_type: str = "application/merge-patch+json"
    ) -> dict[str, Any]:
        """Patch an object; return it as the server stored it."""
        return self._call("PATCH", path, body, content_type)

    def delete(self, path: str, body: Optional[dict[str, Any]] = None) -> bool:
        """Delete what is at the path; return whether it was there."""
        try:
            self._call("DELETE", path, body)
        except ApiError as exc:
            if exc.status == 404:
                return False
            raise
        return True

    def server(self) -> str:
        """Return the current server; if there is none, query them in turn."""
        if self._server is None:
            seen = []
            for server in self.servers:
                state = self._ready(server)
                if state == "":
                    self._server = server
                    break
                seen.append(state)
            else:
                reasons = "; ".join(seen) or "none is named"
                raise ApiError(f"Kubernetes API: no server is ready: {reasons}; check kube-apiserver on these hosts")
        return self._server

    def _ready(self, server: str) -> str:
        """Return an empty string for a ready server, else why it is not."""
        try:
            answer = self._send(server + "/readyz", tls=self.tls, timeout=self.timeout)
        except HttpError as exc:
            return str(exc)
        return "" if answer.status == 200 else f"{server}/readyz answers {answer.status}"

    def _call(
        self,
        method: str,
        path: str,
        body: Optional[dict[str, Any]] = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """Return the parsed answer; a lost server is replaced where repeating does no harm."""
        try:
            answer = self._once(method, path, body, content_type, accept)
        except HttpError as exc:
            self._server = None
            if method != "GET" and exc.kind != "refused":
                raise ApiError(str(exc)) from exc
            answer = self._once(method, path, body, content_type, accept)
        self.date = answer.headers.get("date")
        if answer.status >= 300:
            raise refusal(method, path, answer)
        return answer.json() if answer.body else {}

    def _once(self, method: str, path: str, body: Optional[dict[str, Any]], content_type: str, accept: str) -> Response:
        """Send one request to the server in use."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": content_type}
        url = self.server() + path
        try:
            return self._send(url, method=method, body=data, headers=headers, tls=self.tls, timeout=self.timeout)
        except HttpError:
            self._server = None
            raise


def refusal(method: str, path: str, answer: Response) -> ApiError:
    """Return the error for a Status answer of the API."""
    details: Mapping[str, Any] = {}
    try:
        state = answer.json()
        reason, details = state.get("message") or state.get("reason"), state.get("details") or {}
    except (ValueError, AttributeError):
        reason = answer.body.decode("utf-8", "replace")[:200].strip()
    remedy = {
        401: "check that the client certificate comes from the cluster's CA and is valid now",
        403: "use a client certificate in a group that may do this, such as that of the administrator (role master)",
        409: "the object was changed concurrently: run again",
    }.get(answer.status, "see the API server's journal")
    error = ApiError(f"{method} {path}: the API answers {answer.status}: {reason}; {remedy}")
    error.status, error.details = answer.status, details
    return error


def is_transient(error: HardwayError) -> bool:
    """Return whether the same request may succeed later; a request without a response has no status."""
    return getattr(error, "status", 0) in _TRANSIENT or _ETCD_LOST in str(error)


def retried(call: Callable[[], Result], *, sleep: Callable[[float], None] = time.sleep) -> Result:
    """Return what the call returns; repeat it, ever more slowly, while its error is a temporary one."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return call()
        except (ApiError, HttpError) as exc:
            if not is_transient(exc):
                raise
        sleep(0.1 * 2**attempt)
    return call()


def query(path: str, **values: str) -> str:
    """Return the path with a query string."""
    return path + "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
