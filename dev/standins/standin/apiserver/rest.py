# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, read, replace, patch, delete and watch: what every kind has in common."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Iterator
from typing import Any

from ..core.client import ApiError
from ..core.kinds import Target
from ..core.moments import moment
from ..core.server import DONE, Answer, Request
from . import merging
from .bodies import kind_of, parsed
from .identity import User
from .objects import Object, Objects
from .store import Conflict

# a, !a, a=b, a==b, a!=b, a in (b, c), a notin (b, c)
TERM = re.compile(r"\s*(!?)\s*([\w./-]+)\s*(?:(==?|!=)([^,()]*)|(in|notin)\s*\(([^()]*)\)\s*)?(?:,|$)")


def choose(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the objects that the selectors of a request want; raise ApiError where these make no sense."""
    selected({"metadata": {}}, query)
    return [item for item in items if selected(item, query)]


def selected(item: dict[str, Any], query: dict[str, str]) -> bool:
    """Say whether the selectors of a request want an object."""
    labels, spec = item["metadata"].get("labels") or {}, item.get("spec") or {}
    fields = {f"metadata.{name}": item["metadata"].get(name, "") for name in ("name", "namespace")}
    fields |= {f"spec.{name}": spec.get(name, "") for name in ("nodeName", "signerName")}
    fields["type"] = item.get("type", "")
    return fits(query.get("labelSelector", ""), labels) and fits(query.get("fieldSelector", ""), fields)


def fits(selector: str, values: dict[str, str]) -> bool:
    """Say whether values satisfy all terms of a selector."""
    place, good = 0, True
    while place < len(selector):
        match = TERM.match(selector, place)
        if match is None:
            raise ApiError(400, f"unable to parse requirement: found '{selector[place:]}'")
        absent, name, sign, value, word, several = match.groups()
        if sign or word:
            wanted = {one.strip() for one in (several.split(",") if word else [value])}
            good &= (values.get(name) in wanted) is (sign in ("=", "==") or word == "in")
        else:
            good &= (name in values) is not bool(absent)
        place = match.end()
    return good


Many = list[Object]


class Rest(Objects):
    """The objects behind the URLs."""

    def get(self, target: Target, _request: Request, _user: User) -> Answer:
        """Answer with one object."""
        return Answer(200, self.found(target))

    def list(self, target: Target, request: Request, _user: User) -> Answer:
        """Answer with all objects that the selectors want."""
        items, revision = self.store.below(self.key(target))
        chosen = choose(items, request.query)
        kind, version = target.resource.kind, target.resource.group_version
        # Items of a list have no kind of their own, as with the real server.
        bare = [{n: v for n, v in item.items() if n not in ("kind", "apiVersion")} for item in chosen]
        head = {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": revision}}
        return Answer(200, {**head, "items": bare})

    def watch(self, target: Target, request: Request, _user: User) -> Answer:
        """Answer with events, as they happen."""
        key, query = self.key(target), request.query
        items: Many = []
        begin = query.get("resourceVersion", "")
        if begin in ("", "0") or query.get("sendInitialEvents") == "true":
            items, begin = self.store.below(key if key.endswith("/") else key.rpartition("/")[0] + "/")
        elif not begin.isdigit():
            raise ApiError(400, f"Invalid value: {begin!r}: invalid resource version")
        return Answer(200, self._happens(target, query, choose(items, query), begin))

    def _happens(self, target: Target, query: dict[str, str], items: Many, begin: str) -> Iterator[Object]:
        """Yield the events of a watch, which begin with the objects that are there."""
        key = self.key(target)
        for item in items:
            yield {"type": "ADDED", "object": item}
        if query.get("sendInitialEvents") == "true":
            marks = {"resourceVersion": begin, "annotations": {"k8s.io/initial-events-end": "true"}}
            head = {"kind": target.resource.kind, "apiVersion": target.resource.group_version}
            yield {"type": "BOOKMARK", "object": {**head, "metadata": marks}}
        for kind, item in self.store.since(key, int(begin), float(query.get("timeoutSeconds") or 1800)):
            if kind == "ERROR" or selected(item, query):
                yield {"type": kind, "object": item}

    def create(self, target: Target, request: Request, user: User) -> Answer:
        """Make an object."""
        item = self.checked(target, parsed(request), request)
        metadata = item["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
        if not metadata.get("name"):
            raise ApiError(422, f'{item["kind"]} "" is invalid: metadata.name: Required value: name or generateName')
        named = Target(target.resource, target.namespace, metadata["name"])
        made = self.stored(named, request, user, None, item, "Update")
        return Answer(201, made)

    def update(self, target: Target, request: Request, user: User) -> Answer:
        """Replace an object, or only its status."""
        new = self.checked(target, parsed(request), request)
        old = self.found(target)
        seen = (new.get("metadata") or {}).get("resourceVersion")
        if seen and seen != old["metadata"]["resourceVersion"]:
            raise self._conflict(target)
        return Answer(200, self.stored(target, request, user, old, new, "Update"))

    def patch(self, target: Target, request: Request, user: User) -> Answer:
        """Change an object, by any kind of patch that kubectl and our modules send."""
        kind, body = kind_of(request), parsed(request)
        if kind == "application/apply-patch+yaml":
            return self._apply(target, request, user, self.checked(target, body, request))
        patches = {f"application/{how}merge-patch+json": how for how in ("", "strategic-")}
        if kind not in patches:
            raise ApiError(415, f"the body of the request was in an unknown format - accepted: {', '.join(patches)}")
        for _attempt in range(5):
            old = self.found(target)
            seen = (body.get("metadata") or {}).get("resourceVersion")
            if seen and seen != old["metadata"]["resourceVersion"]:
                raise self._conflict(target)
            by = target.resource.kind if patches[kind] else ""
            new = self.checked(target, merging.patched(self.schema, copy.deepcopy(old), body, by), request)
            try:
                return Answer(200, self.stored(target, request, user, old, new, "Update"))
            except Conflict:
                continue
        raise self._conflict(target)

    def _apply(self, target: Target, request: Request, user: User, applied: Object) -> Answer:
        """Apply what one manager wants to own."""
        manager = request.query.get("fieldManager", "")
        if not manager:
            raise ApiError(422, "PatchOptions is invalid: fieldManager: Required value: is required for apply patch")
        old = self.store.get(self.key(target))
        live = copy.deepcopy(old) or {"metadata": {}}
        entries = live["metadata"].get("managedFields")
        owners = merging.Owners(entries, target.resource.group_version, moment())
        kind, force = target.resource.kind, request.query.get("force") == "true"
        wanted = copy.deepcopy(applied)
        if kind == "Secret":
            self.admission._secret(wanted, None, user)
        try:
            new = merging.apply(self.schema, kind, live, wanted, owners, manager, force)
        except merging.ApplyConflict as exc:
            raise ApiError(409, str(exc)) from exc
        new["metadata"]["managedFields"] = owners.entries
        try:
            made = self.stored(target, request, user, old, new, "Apply")
        except Conflict:
            raise self._conflict(target) from None
        return Answer(200 if old else 201, made)

    def delete(self, target: Target, request: Request, _user: User) -> Answer:
        """Remove an object; one with finalizers only gets its deletion time."""
        old = self.found(target)
        if request.query.get("dryRun") == "All" or b'"dryRun":["All"]' in request.body:
            return Answer(200, old)
        try:
            if target.resource.kind == "Namespace" or old["metadata"].get("finalizers"):
                going = copy.deepcopy(old)
                going["metadata"].setdefault("deletionTimestamp", moment())
                if target.resource.kind == "Namespace":
                    going["status"] = {"phase": "Terminating"}
                return Answer(200, self.store.put(self.key(target), going, old))
            self.store.delete(self.key(target), old)
        except Conflict:
            raise self._conflict(target) from None
        details = {"name": target.name, "group": target.resource.group, "kind": target.resource.name}
        return Answer(200, {**DONE, "details": {**details, "uid": old["metadata"]["uid"]}})

    def deletecollection(self, target: Target, request: Request, user: User) -> Answer:
        """Remove all objects that the selectors want."""
        answer = self.list(target, request, user)
        listed: Any = answer.content
        for item in listed["items"]:
            namespace = item["metadata"].get("namespace", "")
            self.delete(Target(target.resource, namespace, item["metadata"]["name"]), request, user)
        return answer

    def finalize(self, target: Target, _request: Request, _user: User) -> Answer:
        """Finalize an empty namespace."""
        old = self.found(target)
        self.store.delete(self.key(target), old)
        return Answer(200, old)
