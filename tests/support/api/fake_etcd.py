# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd's gateway in memory, as far as the store of a stand-in uses it; it can lose answers and send invalid ones."""

from __future__ import annotations

import base64
import queue
from collections.abc import Iterator
from typing import Any

from dev.standins.standin.apiserver.encryption import Encryption
from dev.standins.standin.apiserver.store import Store
from dev.standins.standin.core.client import ApiError, Files


class Etcd:
    """One member."""

    def __init__(self) -> None:
        """Begin empty."""
        self.revision = 100
        self.content: dict[str, dict[str, str]] = {}
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.losing = 0

    def send(self, _method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Execute a request; lose the answer where the test wants that."""
        answer = self.range(body) if path.endswith("range") else self.txn(body)
        if self.losing and not path.endswith("range"):
            self.losing -= 1
            raise ApiError(0, "timed out")
        return {**answer, "header": {"revision": str(self.revision)}}

    def range(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return one entry, or those of a range."""
        key, end = (base64.b64decode(body.get(name, "")).decode() for name in ("key", "range_end"))
        return {"kvs": [kv for name, kv in self.content.items() if name == key or (end and key <= name < end)]}

    def txn(self, body: dict[str, Any]) -> dict[str, Any]:
        """Compare one revision, and act."""
        (compare,) = body["compare"]
        key = base64.b64decode(compare["key"]).decode()
        if self.content.get(key, {}).get("mod_revision", "0") != compare["mod_revision"]:
            failure = [{"response_range": self.range(step["request_range"])} for step in body.get("failure", [])]
            return {"responses": failure} if failure else {}
        self.revision += 1
        (action,) = body["success"]
        revision = str(self.revision)
        if "request_put" in action:
            kv = {"key": compare["key"], "value": action["request_put"]["value"], "mod_revision": revision}
            self.content[key] = kv
            self.events.put({"kv": kv})
        else:
            del self.content[key]
            self.events.put({"type": "DELETE", "kv": {"key": compare["key"], "mod_revision": revision}})
        return {"succeeded": True}

    def lines(self, *_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        """Yield events."""
        while True:
            yield {"result": {"events": [self.events.get()]}}


def store(etcd: Etcd) -> Store:
    """Return a store of two members that answer alike."""
    made = Store([], Files(""), "/registry", Encryption("", {}, reload=False))
    made.members = [etcd, etcd]  # type: ignore[list-item]
    made.start()
    return made


def item(name: str, **data: str) -> dict[str, Any]:
    """Return an object."""
    return {"kind": "ConfigMap", "metadata": {"name": name, "uid": name}, "data": data}
