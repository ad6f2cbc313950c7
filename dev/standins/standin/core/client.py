# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS with a client certificate or a token: to the API by a kubeconfig, and to etcd."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional, Union
from urllib.parse import urlsplit

from .configuration import load
from .flags import Refusal
from .x509 import in_memory

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
# By OpenSSL's numbers: not yet, no more, for other names, for other addresses.
VERIFICATION = dict.fromkeys((9, 10), "certificate has expired or is not yet valid")
VERIFICATION |= {62: "certificate is not valid for that name", 64: "certificate is not valid for that address"}


class ApiError(Exception):
    """The answer was a refusal; status 0 means that there was none."""

    def __init__(self, status: int, message: str) -> None:
        """Keep status and message."""
        super().__init__(message)
        self.status = status


class Files:
    """Trust and identity, as files that are read again for every connection."""

    def __init__(self, ca: str, cert: str = "", key: str = "") -> None:
        """Remember the paths."""
        self.ca, self.cert, self.key = ca, cert, key

    def context(self) -> ssl.SSLContext:
        """Return the settings of a connection."""
        made = ssl.create_default_context(cafile=self.ca or None)
        if self.cert:
            made.load_cert_chain(self.cert, self.key)
        return made


class Connection:
    """A connection per thread that is kept open, and opened again when it was lost."""

    def __init__(self, url: str, files: Files, token: str = "", agent: str = "standin") -> None:
        """Remember where to; nothing is sent yet."""
        self.url, self.files, self.token, self.agent = url, files, token, agent
        self._local = threading.local()

    def open(self, timeout: float = 10) -> http.client.HTTPConnection:
        """Return a new connection."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=self.files.context())

    def send(self, method: str, path: str, body: Optional[Any] = None) -> Any:
        """Return the parsed answer; raise ApiError for a refusal or none; patches are merged."""
        kept = getattr(self._local, "connection", None)
        try:
            if kept is not None:
                try:
                    return self._once(kept, method, path, body)
                except (http.client.HTTPException, OSError):
                    kept.close()
            self._local.connection = None
            fresh = self.open()
            answer = self._once(fresh, method, path, body)
            self._local.connection = fresh
            return answer
        except (http.client.HTTPException, OSError, ssl.SSLError) as exc:
            raise ApiError(0, f"{method} {self.url}{path}: {_reason(exc)}") from exc

    def _once(self, connection: http.client.HTTPConnection, method: str, path: str, body: Any) -> Any:
        """Send one request over a connection."""
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, self.headers("merge-patch+" if method == "PATCH" else ""))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if answer.status >= 300:
            raise ApiError(answer.status, _message(text) or f"{method} {path}: HTTP {answer.status}")
        return json.loads(text) if text.startswith(("{", "[")) else text

    def headers(self, kind: str = "") -> dict[str, str]:
        """Return what goes with every request."""
        found = {"Content-Type": f"application/{kind}json", "Accept": "application/json", "User-Agent": self.agent}
        return {**found, "Authorization": f"Bearer {self.token}"} if self.token else found

    def lines(self, method: str, path: str, body: Any, timeout: float = 60) -> Iterator[dict[str, Any]]:
        """Yield the objects of an answer without end."""
        connection = self.open(timeout)
        try:
            connection.request(method, path, json.dumps(body), self.headers())
            # A host that lost its power says nothing: ask it every few seconds whether it is there.
            for option, value in ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3)):
                connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            answer = connection.getresponse()
            while line := answer.readline():
                yield json.loads(line)
        except (http.client.HTTPException, OSError, ValueError) as exc:
            raise ApiError(0, f"{method} {self.url}{path}: {_reason(exc)}") from exc
        finally:
            connection.close()


def _reason(exc: Exception) -> str:
    """Return an error, one about a certificate in the words of the real programs."""
    if isinstance(exc, ssl.SSLError) and exc.reason == "KEY_VALUES_MISMATCH":
        return "tls: private key does not match public key"
    if not isinstance(exc, ssl.SSLCertVerificationError):
        return str(exc)
    problem = VERIFICATION.get(exc.verify_code, "certificate signed by unknown authority")
    return f"tls: failed to verify certificate: x509: {problem}"


def _message(text: str) -> str:
    """Return the message of a Status object."""
    try:
        return str(json.loads(text).get("message", ""))
    except (ValueError, AttributeError):
        return text[:200]


def _entry(content: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return one named entry of a kubeconfig."""
    for item in content.get(f"{kind}s") or []:
        if item["name"] == name:
            return dict(item[kind])
    raise Refusal(f'invalid configuration: {kind} "{name}" does not exist')


def _file(entry: dict[str, Any], name: str) -> str:
    """Return the path of a file that a kubeconfig names or carries in itself."""
    if data := entry.get(f"{name}-data"):
        return in_memory(name, base64.b64decode(data))
    path = str(entry.get(name) or "")
    if path and not Path(path).is_file():
        raise Refusal(f"invalid configuration: unable to read {name} {path}: no such file or directory")
    return path


def current(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return cluster and user of a kubeconfig's current context."""
    content: Union[dict[str, Any], Any] = load(path)
    if not isinstance(content, dict) or not content.get("current-context"):
        raise Refusal(f"{path}: invalid configuration: no configuration has been provided")
    context = _entry(content, "context", content["current-context"])
    return _entry(content, "cluster", context["cluster"]), _entry(content, "user", context["user"])


def from_kubeconfig(path: str, agent: str) -> Connection:
    """Return the connection that a kubeconfig's current context describes."""
    cluster, user = current(path)
    files = Files(_file(cluster, "certificate-authority"), _file(user, "client-certificate"), _file(user, "client-key"))
    return Connection(cluster["server"], files, str(user.get("token") or ""), agent)
