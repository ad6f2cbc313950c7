# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log: which requests the policy wants to see, and how much of them."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from pathlib import Path
from typing import Any, Optional

from ..core.client import ApiError
from ..core.configuration import read
from ..core.flags import Refusal
from ..core.moments import micro
from ..core.program import Program
from ..core.server import Request, log
from .bodies import parsed
from .identity import User
from .rights import Deed, covered


def _matches(rule: dict[str, Any], user: User, deed: Deed) -> bool:
    """Say whether a rule of the policy is about a request."""
    if rule.get("users") and user.name not in rule["users"]:
        return False
    if rule.get("userGroups") and not set(rule["userGroups"]) & set(user.groups):
        return False
    if rule.get("verbs") and deed.verb not in rule["verbs"]:
        return False
    if rule.get("namespaces") and deed.namespace not in rule["namespaces"]:
        return False
    if deed.path:
        return covered(rule, deed.path) or not (rule.get("nonResourceURLs") or rule.get("resources"))
    return _about(rule, deed) if rule.get("resources") else not rule.get("nonResourceURLs")


def _about(rule: dict[str, Any], deed: Deed) -> bool:
    """Say whether a rule names the resource."""
    for entry in rule["resources"]:
        names = entry.get("resources") or []
        part = deed.resource.partition("/")[2]
        named = not names or deed.resource in names or "*" in names or (part and f"*/{part}" in names)
        if entry.get("group", "") == deed.group and named:
            return not entry.get("resourceNames") or deed.name in entry["resourceNames"]
    return False


class Audit:
    """Writes a line for each request that the policy wants."""

    def __init__(self, program: Program) -> None:
        """Read and check the policy."""
        policy, path = program.get("audit-policy-file", ""), program.get("audit-log-path", "")
        self.path = "/dev/stdout" if path == "-" else path
        if path:
            try:
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                Path(self.path).open("a").close()
            except OSError as exc:
                raise Refusal(f"ensureLogFile: open {path}: {(exc.strerror or '').lower()}") from None
        self.rules: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        if policy:
            content = read(policy, "Policy", program.fields, versions=("audit.k8s.io/v1",))
            self.rules = content.get("rules") or []
        for rule in self.rules:
            program.hold({"level": "nothing", **rule}, "Policy")

    def level(self, user: User, deed: Deed) -> str:
        """Return the level of detail."""
        return next((str(rule["level"]) for rule in self.rules if _matches(rule, user, deed)), "None")

    def note(self, request: Request, user: User, deed: Deed, code: int, answer: Optional[dict[str, Any]]) -> None:
        """Write the line of a finished request; an error here does not fail the request."""
        level = self.level(user, deed) if self.path else "None"
        if level == "None":
            return
        moment = micro()
        event: dict[str, Any] = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": str(uuid.uuid4()),
            "stage": "ResponseComplete", "requestURI": request.path, "verb": deed.verb, "user": user.info(),
            "sourceIPs": [request.source], "userAgent": request.headers.get("User-Agent") or "",
            "responseStatus": {"metadata": {}, "code": code}, "requestReceivedTimestamp": moment,
            "stageTimestamp": moment,
        }  # fmt: skip
        if deed.resource:
            name = deed.name or ((answer or {}).get("metadata") or {}).get("name", "")
            resource, _slash, part = deed.resource.partition("/")
            about = {"resource": resource, "namespace": deed.namespace, "name": name, "apiGroup": deed.group}
            event["objectRef"] = {n: v for n, v in {**about, "subresource": part}.items() if v}
        if level != "Metadata" and request.body:
            with contextlib.suppress(ApiError):
                event["requestObject"] = parsed(request)
        if level == "RequestResponse" and answer is not None:
            event["responseObject"] = answer
        try:
            # What YAML has beyond JSON is written as text.
            line = json.dumps(event, default=str) + "\n"
            with self._lock, Path(self.path).open("a", encoding="utf-8") as stream:
                stream.write(line)
        except OSError as exc:
            log("E", f"Error in audit plugin 'log' affecting 1 audit events: {exc}")
