# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the API that measures what it sees while a part of the cluster is stopped, until all is healthy again."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import cluster_status_probe
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import (
    HttpError,
    Tls,
    request,
    tls_context,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, query
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.conditions import is_ready

OBJECTS = "/api/v1/namespaces/kube-system/configmaps"
LABEL = "hardway/drill"
READ = "/api/v1/namespaces/kube-system"
READ_INTERVAL, WRITE_INTERVAL, WATCH_INTERVAL = 0.1, 0.2, 0.2
JSON = {"Content-Type": "application/json"}
PATCH = {"Content-Type": "application/merge-patch+json"}


class Client:
    """One persistent connection, as common clients have it: a request without an answer is sent once more."""

    def __init__(self, url: str, tls: Tls) -> None:
        """Remember the server; nothing is sent yet."""
        self._url, self._tls = urlsplit(url), tls
        self._connection: Optional[http.client.HTTPSConnection] = None
        self.requests = self.failures = self.retried = 0
        self.reasons: Counter[str] = Counter()
        self.gap, self.gap_at, self._answered = 0.0, 0.0, time.monotonic()

    def ask(
        self, method: str, path: str, body: Any = None, headers: Optional[dict[str, str]] = None
    ) -> tuple[int, Any]:
        """Return status and content after one or two tries; status 0 without an answer."""
        self.requests += 1
        status, content, reason = self._once(method, path, body, headers)
        if reason:
            status, content, again = self._once(method, path, body, headers)
            if again:
                self.failures += 1
                self.reasons[again] += 1
                return 0, None
            self.retried += 1
        self.answered()
        return status, content

    def answered(self) -> None:
        """Note the time since the last answer."""
        now = time.monotonic()
        if now - self._answered > self.gap:
            self.gap, self.gap_at = now - self._answered, time.time() - (now - self._answered)
        self._answered = now

    def _once(self, method: str, path: str, body: Any, headers: Optional[dict[str, str]]) -> tuple[int, Any, str]:
        """Return status, content and why there was no use in them."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            data = json.dumps(body) if body is not None else None
            self._connection.request(method, path, data, headers or {})
            answer = self._connection.getresponse()
            text = answer.read()
            if answer.status in (401, 403, 429) or answer.status >= 500:
                raise http.client.HTTPException(f"status {answer.status}")
            return answer.status, json.loads(text or b"null"), ""
        except (OSError, ValueError, http.client.HTTPException) as exc:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0, None, str(exc) if str(exc).startswith("status ") else type(exc).__name__

    def _connect(self) -> http.client.HTTPSConnection:
        host, port = str(self._url.hostname), self._url.port or 443
        return http.client.HTTPSConnection(host, port, context=tls_context(self._tls), timeout=3)


class Writer:
    """Counts in a ConfigMap. Each write depends on the one before, so that a lost write is noticed."""

    def __init__(self, client: Client) -> None:
        """Start at zero."""
        self.client, self.writes, self.lost = client, 0, 0
        # That of a client whose run was killed, which may still write to it.
        client.ask("DELETE", query(OBJECTS, labelSelector=LABEL))
        name = f"hardway-drill-{uuid.uuid4().hex[:8]}"
        self._path = f"{OBJECTS}/{name}"
        new = {"metadata": {"name": name, "labels": {LABEL: ""}}, "data": {"count": "0"}}
        status, content = client.ask("POST", OBJECTS, new, JSON)
        if status != 201:
            raise HardwayError(f"ConfigMap kube-system/{name}: cannot be created (status {status}); run verify")
        self._version = content["metadata"]["resourceVersion"]

    def write(self) -> None:
        """Write the next number; where it is unknown whether the write arrived, read it."""
        count = str(self.writes + 1)
        body = {"metadata": {"resourceVersion": self._version}, "data": {"count": count}}
        status, content = self.client.ask("PATCH", self._path, body, PATCH)
        if status == 409:
            status, content = self.client.ask("GET", self._path)
            # A first try that was not answered may have arrived all the same.
            self.lost += status == 200 and content["data"]["count"] != count
        if status == 404:
            self.lost += 1
        if status == 200:
            self._version, self.writes = content["metadata"]["resourceVersion"], int(content["data"]["count"])

    def close(self) -> None:
        """Compare the last acknowledged write with what is stored, and remove it."""
        status, content = self.client.ask("GET", self._path)
        self.lost += status == 404 or (status == 200 and int(content["data"]["count"]) < self.writes)
        self.client.ask("DELETE", self._path)


class Drill:
    """Polls and watches from before the stop until everything is healthy again."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Remember the parameters."""
        self.params = params
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.changes: list[tuple[float, str]] = []
        self._ended = threading.Event()

    def run(self) -> dict[str, Any]:
        """Return what the client and the watcher saw."""
        nodes = {node["name"] for node in self._gathered().get("nodes", []) if node["ready"]}
        if problems := self.problems(nodes):
            raise HardwayError(f"cluster: not healthy before the drill: {'; '.join(problems)}; run verify")
        reader, writer = (Client(self.params["endpoint"], self.tls) for _number in range(2))
        counter = Writer(writer)
        # The state before the stop.
        self.watch()
        if not self.changes:
            counter.close()
            raise HardwayError(f"{self.params['watch']} {self.params['subject']}: its state cannot be read; run verify")
        loops: list[tuple[Callable[[], Any], float]] = [
            (lambda: reader.ask("GET", READ), READ_INTERVAL),
            (counter.write, WRITE_INTERVAL),
            (self.watch, WATCH_INTERVAL),
        ]
        threads = [threading.Thread(target=self._repeat, args=loop, daemon=True) for loop in loops]
        for thread in threads:
            thread.start()
        began = time.time()
        try:
            recovered, problems = self._wait(began, nodes)
        finally:
            self._ended.set()
            for thread in threads:
                thread.join(10)
        reader.answered()
        counter.close()
        clients = (reader, writer)
        worst = max(clients, key=lambda client: client.gap)
        reasons: Counter[str] = sum((client.reasons for client in clients), Counter())
        figures: dict[str, Any] = {
            name: sum(getattr(client, name) for client in clients) for name in ("requests", "failures", "retried")
        }
        figures.update(gap=round(worst.gap, 2), gap_at=worst.gap_at, reasons=dict(reasons))
        figures.update(writes=counter.writes, lost=counter.lost)
        return {
            "began": began,
            "client": figures,
            "changes": [{"at": at, "state": state} for at, state in self.changes],
            "recovered_at": recovered,
            "problems": problems,
        }

    def _wait(self, began: float, nodes: set[str]) -> tuple[float, list[str]]:
        """Return when everything was healthy again after the stop; 0 and what was not, if that did not happen."""
        ready, problems = self.params["marker"], ["not checked"]
        with open(ready, "w", encoding="utf-8") as stream:
            stream.write("measuring\n")
        try:
            while time.time() < began + self.params["timeout"]:
                time.sleep(0.5)
                if time.time() < began + self.params["seconds"]:
                    continue
                problems = self.problems(nodes)
                if not problems:
                    return time.time(), []
        finally:
            with suppress(FileNotFoundError):
                os.unlink(ready)
        return 0.0, problems

    def _repeat(self, work: Callable[[], Any], interval: float) -> None:
        while not self._ended.wait(interval):
            work()

    def watch(self) -> None:
        """Remember when the state of the watched part changes."""
        try:
            state = self._state()
        except (HardwayError, ValueError, KeyError):
            return
        if not self.changes or self.changes[-1][1] != state:
            self.changes.append((time.time(), state))

    def _state(self) -> str:
        """Return leader, readiness or availability of the watched part."""
        kind, subject = self.params["watch"], self.params["subject"]
        if kind == "etcd":
            found = cluster_status_probe.EtcdState(self.params["etcd"], 1.0).gather()
            return str(found["leader"])
        if kind in ("server", "endpoint"):
            url = subject if kind == "server" else self.params["endpoint"]
            try:
                return "ready" if request(url + "/readyz", tls=self.tls, timeout=1.0).status == 200 else "not ready"
            except HttpError:
                return "no answer"
        api = Api(self.params["servers"], self.tls, timeout=1.0)
        if kind == "lease":
            return str(api.get(cluster_status_probe.LEASES + subject)["spec"].get("holderIdentity") or "")
        return "Ready" if is_ready(api.get(f"{cluster_status_probe.NODES}/{subject}")) else "NotReady"

    def _gathered(self) -> dict[str, Any]:
        names = ("servers", "endpoint", "ca", "cert", "key", "etcd")
        return cluster_status_probe.gather({**{name: self.params[name] for name in names}, "timeout": 3.0})

    def problems(self, nodes: set[str]) -> list[str]:
        """Return what is not healthy."""
        return unhealthy(self._gathered(), nodes)


def unhealthy(found: Mapping[str, Any], nodes: Collection[str]) -> list[str]:
    """Return what of a cluster is not healthy; of nodes, only the named ones count."""
    problems = [f"{server['url']}: {server['reason']}" for server in found["servers"] if not server["ready"]]
    endpoint = found.get("endpoint") or {}
    if endpoint and not endpoint["ready"]:
        problems.append(f"{endpoint['url']}: {endpoint['reason']}")
    if found.get("api_error"):
        problems.append(found["api_error"])
    problems += [f"{leader['name']}: no leader" for leader in found.get("leaders", []) if not leader["held"]]
    ready = {node["name"] for node in found.get("nodes", []) if node["ready"]}
    problems += [f"node {name}: not ready" for name in sorted(set(nodes) - ready)]
    etcd = found.get("etcd") or {}
    problems += [
        f"etcd {member['name'] or member['endpoint']}: {member['error'] or 'unhealthy'}"
        for member in etcd.get("members", [])
        if not member["healthy"]
    ]
    return problems + ([] if not etcd or etcd["leader"] else ["etcd: no leader"])
