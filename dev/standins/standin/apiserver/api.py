# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request from arrival to answer: authentication, authorization, the operation, and a line in the audit log."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..core.client import ApiError, Connection, Files
from ..core.kinds import Target, target
from ..core.moments import moment
from ..core.program import architecture
from ..core.server import DONE, Answer, Request, log, status
from . import discovery
from .audit import Audit
from .bodies import parsed
from .identity import Authenticator, Unauthorized, User
from .rest import Rest
from .rights import Authorizer, Deed, sentence
from .store import Conflict

REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    409: "Conflict", 415: "UnsupportedMediaType", 422: "Invalid", 500: "InternalError", 503: "ServiceUnavailable",
}  # fmt: skip
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass
class Api:
    """The API."""

    version: str
    rest: Rest
    authenticator: Authenticator
    authorizer: Authorizer
    audit: Audit
    kubelets: Files
    going: bool = False

    def answer(self, request: Request) -> Answer:
        """Answer a request, whatever it is."""
        user, deed = User(""), Deed(request.method.lower(), path=request.path)
        try:
            user = self.authenticator.user(request)
            aim = target(request.path)
            deed = _deed(request, aim)
            if not self.authorizer.allows(user, deed):
                raise ApiError(403, sentence(user, deed))
            answer = self._plain(request) if aim is None else self._object(aim, deed, request, user)
        except Unauthorized as exc:
            log("E", f'"Unable to authenticate the request" err="{exc}"')
            answer = Answer(401, status(401, "Unauthorized", "Unauthorized"))
        except ApiError as exc:
            answer = Answer(exc.status or 500, status(exc.status or 500, _reason(exc), str(exc), **_details(deed)))
        except Conflict as exc:
            answer = Answer(409, status(409, "Conflict", f"Operation cannot be fulfilled on {exc}"))
        except Exception as exc:
            log("E", f'"Observed a panic" panic="{exc!r}" stacktrace={traceback.format_exc()!r}')
            answer = Answer(500, status(500, "InternalError", f"Internal error occurred: {exc!r}"))
        content = answer.content if isinstance(answer.content, dict) else None
        self.audit.note(request, user, deed, answer.status, content)
        if self.going:
            # A client that connects again finds another server before this one has ended.
            answer.headers["Connection"] = "close"
        return answer

    def _plain(self, request: Request) -> Answer:
        """Answer about the server itself."""
        name = request.path.strip("/").partition("/")[0]
        if name in ("healthz", "livez", "readyz"):
            return self._health(name, "verbose" in request.query)
        if request.path == "/version":
            major, minor, _patch = self.version.split(".", 2)
            more = {"gitTreeState": "rehearsal", "platform": f"linux/{architecture()}"}
            return Answer(200, {"major": major, "minor": minor, "gitVersion": f"v{self.version}", **more})
        return discovery.answer(request) or Answer(404, "404 page not found\n")

    def _health(self, name: str, verbose: bool) -> Answer:
        """Answer about health."""
        checks = {"ping": True, "etcd": self.rest.store.healthy()}
        if name == "readyz":
            checks["shutdown"] = not self.going
        well = all(checks.values())
        lines = [f"[+]{n} ok" if good else f"[-]{n} failed: reason withheld" for n, good in checks.items()]
        end = f"{name} check {'passed' if well else 'failed'}"
        return Answer(200 if well else 500, "ok" if well and not verbose else "\n".join([*lines, end]) + "\n")

    def _object(self, aim: Target, deed: Deed, request: Request, user: User) -> Answer:
        """Answer about objects."""
        if aim.resource.review:
            return Answer(201, self._review(aim, request, user))
        special: dict[tuple[str, str], Callable[[Target, Request, User], Answer]] = {
            ("serviceaccounts", "token"): self._token,
            ("nodes", "proxy"): self._kubelet,
            ("pods", "binding"): self._bind,
            ("namespaces", "finalize"): self.rest.finalize,
        }
        if found := special.get((aim.resource.name, aim.part)):
            return found(aim, request, user)
        if aim.resource.name == "certificatesigningrequests" and aim.part:
            self._signer(aim, user)
        known = aim.part in ("", "status", "approval")
        if not known or (aim.part == "status" and not aim.resource.status):
            raise ApiError(404, "the server could not find the requested resource")
        handler: Callable[[Target, Request, User], Answer] = getattr(self.rest, deed.verb)
        return handler(aim, request, user)

    def _signer(self, aim: Target, user: User) -> None:
        """Let only those approve and sign who may do so for the signer."""
        name = self.rest.found(aim)["spec"]["signerName"]
        verb = "approve" if aim.part == "approval" else "sign"
        for one in (name, f"{name.partition('/')[0]}/*"):
            if self.authorizer.allows(user, Deed(verb, "certificates.k8s.io", "signers", one)):
                return
        raise ApiError(403, f'user not permitted to {verb} requests with signerName "{name}"')

    def _token(self, aim: Target, request: Request, _user: User) -> Answer:
        """Answer with a token for a service account."""
        self.rest.found(aim)
        body = parsed(request)
        validity = int((body.get("spec") or {}).get("expirationSeconds") or 3600)
        name = f"system:serviceaccount:{aim.namespace}:{aim.name}"
        token, end = self.authenticator.tokens.issue(name, validity)
        return Answer(201, {**body, "status": {"token": token, "expirationTimestamp": moment(end)}})

    def _kubelet(self, aim: Target, request: Request, _user: User) -> Answer:
        """Ask a kubelet with our own certificate."""
        node = self.rest.found(aim)
        addresses = {a["type"]: a["address"] for a in (node.get("status") or {}).get("addresses") or []}
        url = f"https://{addresses.get('InternalIP', '')}:10250"
        try:
            content = Connection(url, self.kubelets).send(request.method, f"/{aim.rest}")
        except ApiError as exc:
            if exc.status:
                return Answer(exc.status, str(exc))
            raise ApiError(503, f"error trying to reach service: {exc}") from None
        return Answer(200, content)

    def _bind(self, aim: Target, request: Request, _user: User) -> Answer:
        """Note the node that the scheduler chose."""
        pod = self.rest.found(aim)
        bound = {**pod, "spec": {**pod["spec"], "nodeName": parsed(request)["target"]["name"]}}
        self.rest.store.put(self.rest.key(aim), bound, pod)
        return Answer(201, DONE)

    def _review(self, aim: Target, request: Request, user: User) -> dict[str, Any]:
        """Answer a review of a user or of the user's permissions."""
        body = parsed(request)
        spec = body.get("spec") or {}
        if aim.resource.kind == "SelfSubjectReview":
            found: dict[str, Any] = {"userInfo": user.info()}
        elif aim.resource.kind == "TokenReview":
            try:
                known = self.authenticator.bearer(spec.get("token", ""))
                found = {"authenticated": True, "user": known.info()}
            except (Unauthorized, ValueError) as exc:
                found = {"authenticated": False, "error": str(exc)}
        else:
            own = aim.resource.kind.startswith("Self")
            about = user if own else User(spec.get("user", ""), spec.get("groups") or [])
            found = {"allowed": self.authorizer.allows(about, _reviewed(spec))}
        return {**body, "kind": aim.resource.kind, "apiVersion": aim.resource.group_version, "status": found}


def _deed(request: Request, aim: Optional[Target]) -> Deed:
    """Return what a request wants to do, with the verbs of RBAC."""
    if aim is None:
        return Deed(request.method.lower(), path=request.path)
    single = bool(aim.name)
    if request.method in ("GET", "HEAD"):
        watching = request.query.get("watch") in ("true", "1")
        verb = "get" if single else "watch" if watching else "list"
    elif request.method == "DELETE":
        verb = "delete" if single else "deletecollection"
    else:
        verb = VERBS[request.method]
    resource = f"{aim.resource.name}/{aim.part}" if aim.part else aim.resource.name
    return Deed(verb, aim.resource.group, resource, aim.name, aim.namespace)


def _reviewed(spec: dict[str, Any]) -> Deed:
    """Return the deed that a review is about."""
    if path := spec.get("nonResourceAttributes"):
        return Deed(path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    part = asked.get("subresource")
    resource = f"{asked.get('resource', '')}/{part}" if part else asked.get("resource", "")
    return Deed(
        asked.get("verb", ""), asked.get("group", ""), resource, asked.get("name", ""), asked.get("namespace", "")
    )


def _reason(exc: ApiError) -> str:
    """Return the word for a refusal."""
    if exc.status == 409 and "already exists" in str(exc):
        return "AlreadyExists"
    return REASONS.get(exc.status, "InternalError")


def _details(deed: Deed) -> dict[str, Any]:
    """Return what a refusal is about."""
    if not deed.resource:
        return {"details": {}}
    return {"details": {"name": deed.name, "group": deed.group, "kind": deed.resource.partition("/")[0]}}
