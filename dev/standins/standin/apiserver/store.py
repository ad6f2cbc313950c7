# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in etcd, by its JSON gateway; one watch of all of them feeds every watcher and the authorizer."""

from __future__ import annotations

import base64
import collections
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Optional

from ..core.client import ApiError, Connection, Files
from ..core.kinds import BY_NAME, STORED, Resource
from ..core.server import log, status
from .encryption import Encryption

Object = dict[str, Any]
HISTORY = 2000
RESOURCES = {path: name for name, path in STORED.items()}


class Conflict(Exception):
    """The object was changed or created by another client."""


def _b64(text: str) -> str:
    """Return text as the gateway takes it."""
    return base64.b64encode(text.encode()).decode()


class Store:
    """All objects below one prefix."""

    def __init__(self, servers: list[str], files: Files, prefix: str, encryption: Encryption) -> None:
        """Remember where; nothing is asked yet."""
        self.members = [Connection(server, files) for server in servers]
        self.prefix = "/" + prefix.strip("/") + "/"
        self.encryption = encryption
        self.cache: dict[str, Object] = {}
        self.events: collections.deque[tuple[int, str, str, Object]] = collections.deque()
        # What happened after the oldest revision is known, up to the newest that our watch has seen.
        self.oldest = self.revision = 0
        self.changed = threading.Condition()

    def ask(self, path: str, body: Object) -> Object:
        """Return the answer of the first member that gives one."""
        for attempt in range(2):
            for number, member in enumerate(list(self.members)):
                try:
                    answer = member.send("POST", path, body)
                    # The next request begins where this one was answered.
                    self.members = self.members[number:] + self.members[:number]
                    return dict(answer)
                except ApiError as exc:
                    problem = exc
            time.sleep(0.2 * (1 - attempt))
        raise ApiError(500, f"etcdserver: request timed out ({problem})")

    def _resource(self, key: str) -> str:
        """Return the resource that a key belongs to, with its group where it has one."""
        rest = key[len(self.prefix) :]
        name = next((name for path, name in RESOURCES.items() if rest.startswith(path + "/")), rest.partition("/")[0])
        return BY_NAME[name].full_name if name in BY_NAME else name

    def _open(self, entry: Object) -> Object:
        """Return the object in an entry of etcd."""
        key = base64.b64decode(entry["key"]).decode()
        stored = base64.b64decode(entry.get("value", ""))
        try:
            found = json.loads(self.encryption.open(self._resource(key), stored))
            found["metadata"]["resourceVersion"] = entry["mod_revision"]
        except Exception as exc:
            raise ApiError(500, f"Internal error occurred: unable to transform key {key!r}: {exc}") from exc
        return dict(found)

    def get(self, key: str) -> Optional[Object]:
        """Return the object, or nothing."""
        answer = self.ask("/v3/kv/range", {"key": _b64(self.prefix + key)})
        return self._open(answer["kvs"][0]) if answer.get("kvs") else None

    def below(self, key: str) -> tuple[list[Object], str]:
        """Return all objects below a path, and the revision."""
        first = self.prefix + key
        end = first[:-1] + chr(ord(first[-1]) + 1)
        answer = self.ask("/v3/kv/range", {"key": _b64(first), "range_end": _b64(end)})
        return [self._open(entry) for entry in answer.get("kvs") or []], answer["header"]["revision"]

    def put(self, key: str, item: Object, before: Optional[Object], lease: str = "0") -> Object:
        """Store an object in place of the one seen before, or as a new one; raise Conflict when that is no more."""
        place = self.prefix + key
        clean = {**item, "metadata": {n: v for n, v in item["metadata"].items() if n != "resourceVersion"}}
        sealed = self.encryption.seal(self._resource(place), json.dumps(clean).encode())
        value = base64.b64encode(sealed).decode()
        done = self._change(place, before, {"request_put": {"key": _b64(place), "value": value, "lease": lease}}, value)
        return {**clean, "metadata": {**clean["metadata"], "resourceVersion": done}}

    def delete(self, key: str, before: Object) -> None:
        """Remove an object that is still the one seen before."""
        place = self.prefix + key
        self._change(place, before, {"request_delete_range": {"key": _b64(place)}}, None)

    def _change(self, place: str, before: Optional[Object], action: Object, value: Optional[str]) -> str:
        """Do one thing if the object is what it was; return the new revision."""
        seen = before["metadata"]["resourceVersion"] if before else "0"
        compare = {"key": _b64(place), "target": "MOD", "result": "EQUAL", "mod_revision": seen}
        look = {"request_range": {"key": _b64(place)}}
        answer = self.ask("/v3/kv/txn", {"compare": [compare], "success": [action], "failure": [look]})
        revision = str(answer["header"]["revision"])
        if not answer.get("succeeded"):
            # The change may have been made already, and only the answer lost: then it is there.
            found = (answer["responses"][0]["response_range"].get("kvs") or [{}])[0]
            if found.get("value") != value:
                raise Conflict(place)
            revision = found.get("mod_revision", revision)
        self.wait_for(int(revision))
        return revision

    def wait_for(self, revision: int) -> None:
        """Wait a moment until our own watch has seen a revision."""
        with self.changed:
            self.changed.wait_for(lambda: self.revision >= revision, 1)

    def healthy(self) -> bool:
        """Say whether etcd answers with a quorum behind it."""
        try:
            self.ask("/v3/kv/range", {"key": _b64(self.prefix + "health")})
        except ApiError:
            return False
        return True

    def follow(self) -> None:
        """Keep the cache up with etcd, forever, whatever happens."""
        lost = False
        while True:
            try:
                if lost:
                    self._load()
                lost = False
                self._watch()
            except ApiError as exc:
                log("W", f"watch of etcd ended: {exc}")
            except Exception as exc:
                # An event that was not understood would come again: begin behind it.
                log("E", f"watch of etcd ended: {exc!r}")
                lost = True
            self.members = self.members[1:] + self.members[:1]
            time.sleep(0.5)

    def start(self) -> None:
        """Fill the cache and follow from there in the background."""
        self._load()
        threading.Thread(target=self.follow, daemon=True).start()

    def _load(self) -> None:
        """Start again; watchers must do so as well, because events in between are unknown."""
        first, end = self.prefix, self.prefix[:-1] + "0"
        answer = self.ask("/v3/kv/range", {"key": _b64(first), "range_end": _b64(end)})
        found = {}
        for entry in answer.get("kvs") or []:
            try:
                found[base64.b64decode(entry["key"]).decode()[len(first) :]] = self._open(entry)
            except ApiError as exc:
                log("E", str(exc))
        with self.changed:
            self.cache, self.revision = found, int(answer["header"]["revision"])
            self.events, self.oldest = collections.deque(), self.revision
            self.changed.notify_all()

    def _watch(self) -> None:
        """Take events from where we are until the stream ends."""
        wanted = {"key": _b64(self.prefix), "range_end": _b64(self.prefix[:-1] + "0")}
        begin = {"create_request": {**wanted, "start_revision": str(self.revision + 1), "prev_kv": True}}
        for line in self.members[0].lines("POST", "/v3/watch", begin, timeout=3600):
            result = line.get("result") or {}
            if result.get("canceled") or "error" in line:
                # From there on etcd may know no more.
                self._load()
                return
            with self.changed:
                for event in result.get("events") or []:
                    self._take(event)
                    # Not the revision of the answer: events before it may still be to come.
                    self.revision = int(event["kv"]["mod_revision"])
                self.changed.notify_all()

    def _take(self, event: Object) -> None:
        """Put one event into cache and history."""
        entry = event["kv"]
        key = base64.b64decode(entry["key"]).decode()[len(self.prefix) :]
        gone = event.get("type") == "DELETE"
        known = key in self.cache
        try:
            item = self.cache.pop(key, None) if gone else self._open(entry)
        except ApiError:
            item = None
        if item is None:
            return
        if gone:
            item = {**item, "metadata": {**item["metadata"], "resourceVersion": entry["mod_revision"]}}
        else:
            self.cache[key] = item
        kind = "DELETED" if gone else "MODIFIED" if known else "ADDED"
        self.events.append((int(entry["mod_revision"]), kind, key, item))
        while len(self.events) > HISTORY:
            self.oldest = self.events.popleft()[0]

    def cached(self, resource: Resource, namespace: str = "") -> list[Object]:
        """Return objects as the cache knows them."""
        begin = resource.key(namespace)
        with self.changed:
            return [item for key, item in self.cache.items() if key.startswith(begin)]

    def since(self, key: str, revision: int, seconds: float) -> Iterator[tuple[str, Object]]:
        """Yield what happens below a path after a revision, until the time is over or history does not reach back."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with self.changed:
                self.changed.wait_for(lambda seen=revision: self.revision > seen, min(left, 10))  # type: ignore[misc]
                oldest = self.oldest
                found = [event for event in self.events if event[0] > revision and event[2].startswith(key)]
                seen, revision = revision, max(revision, self.revision)
            if seen < oldest:
                yield "ERROR", status(410, "Expired", f"too old resource version: {seen} ({oldest})")
                return
            for _number, kind, _key, item in found:
                yield kind, item
