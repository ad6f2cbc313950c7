# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes one key of etcd, and writes it only if no other client has written it since."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import Etcdctl
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request

# Of the HTTPS gateway for a client that it cannot identify: authentication of etcd is enabled.
CLOSED = (400, 401, 403)


class Value(NamedTuple):
    """A value, and the revision of etcd in which it was written; 0 for a key that does not exist."""

    text: str
    revision: int


class Key:
    """One key. The first member that answers is used, which needs a quorum, and another one where it fails."""

    def __init__(self, name: str, params: Mapping[str, Any], *, timeout: float = 3.0) -> None:
        """Take the name, and a module's parameters: see etcdctl.ARGUMENTS."""
        self.name = name
        self.params = params
        self.timeout = timeout
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.endpoints = [endpoint.rstrip("/") for endpoint in params["endpoints"]]
        self.etcdctl: Optional[Etcdctl] = None

    def read(self) -> Value:
        """Return the value."""
        return _value(self._done("/v3/kv/range", {"key": _encoded(self.name)}, ["get", self.name]))

    def write(self, text: str, revision: int) -> bool:
        """Write the value if the key is still of this revision; return whether it was."""
        put = {"requestPut": {"key": _encoded(self.name), "value": _encoded(text)}}
        # As a Go string, which has the same escapes.
        return self._change(put, f"put {self.name} {json.dumps(text)}", revision)

    def delete(self, revision: int) -> bool:
        """Delete the key if it is still of this revision; return whether it was."""
        return self._change({"requestDeleteRange": {"key": _encoded(self.name)}}, f"del {self.name}", revision)

    def _change(self, operation: Mapping[str, Any], command: str, revision: int) -> bool:
        same = {"key": _encoded(self.name), "target": "MOD", "result": "EQUAL", "modRevision": str(revision)}
        body = {"compare": [same], "success": [operation]}
        stdin = f'mod("{self.name}") = "{revision}"\n\n{command}\n\n\n'
        return bool(self._done("/v3/kv/txn", body, ["txn"], stdin).get("succeeded"))

    def _done(self, path: str, body: Mapping[str, Any], command: Sequence[str], stdin: str = "") -> dict[str, Any]:
        """Return the answer of the gateway, or of etcdctl where the gateway rejects the client and this host has it."""
        if not self.etcdctl:
            answer = self._call(path, body)
            if answer.status == 200:
                return dict(answer.json())
            if answer.status not in CLOSED or not os.path.exists(self.params["etcdctl"]):
                remedy = f"run this on a host with {self.params['etcdctl']}, which etcd accepts with authentication"
                raise HardwayError(
                    f"{self.endpoints[0]}{path}: etcd answers {answer.status}: {_said(answer)}; "
                    + (remedy if answer.status in CLOSED else "check that etcd is healthy")
                )
            self.etcdctl = Etcdctl(self.params)
        return dict(json.loads(self.etcdctl.run([*command, "--write-out=json"], stdin=stdin)))

    def _call(self, path: str, body: Mapping[str, Any]) -> Response:
        """Return the answer of the first member that has one, which is also the first in the next call.

        A write may be repeated: it does nothing where it has been done.
        """
        problems = []
        for endpoint in list(self.endpoints):
            try:
                answer = request(
                    endpoint + path, method="POST", body=json.dumps(body).encode(), tls=self.tls, timeout=self.timeout
                )
            except HttpError as exc:
                problems.append(str(exc))
            else:
                # A learner serves no keys yet.
                if answer.status < 500 and b"learner" not in answer.body:
                    self.endpoints = [endpoint, *(other for other in self.endpoints if other != endpoint)]
                    return answer
                problems.append(f"{endpoint}{path} answers {answer.status}: {_said(answer)}")
        raise HardwayError("etcd: no member answers: " + "; ".join(problems or ["no endpoint is given"]))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _value(answer: Mapping[str, Any]) -> Value:
    """Return the value in an answer of the gateway or of etcdctl."""
    (found,) = answer.get("kvs") or [{}]
    text = base64.b64decode(found.get("value", "")).decode("utf-8", "replace")
    return Value(text, int(found.get("mod_revision", 0)))


def _said(answer: Response) -> str:
    return answer.body.decode("utf-8", "replace").strip()[:200]
