# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting, the API client, leases and tokens, without network and without sleeping."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError, retried

NOW = datetime.datetime(2026, 5, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)


class Clock:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_wait_checks_once_without_time() -> None:
    clock = Clock()
    assert wait_until(lambda: 1, bool, timeout=0, clock=clock, sleep=clock.sleep) == (True, 1)
    assert wait_until(lambda: 0, bool, timeout=0, clock=clock, sleep=clock.sleep) == (False, 0)
    assert clock.slept == []


def test_wait_slows_down_and_keeps_to_the_deadline() -> None:
    clock = Clock()
    done, _seen = wait_until(lambda: 0, bool, timeout=10, clock=clock, sleep=clock.sleep)
    assert not done and clock.now == pytest.approx(10)
    assert clock.slept[0] == 0.2 and max(clock.slept) == 1.0
    assert clock.slept[:-1] == sorted(clock.slept[:-1])


class Servers:
    """Replaces the network: server → answers by path, or an exception."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, url: str, *, method: str = "GET", **_options: Any) -> Response:
        host, path = url[len("https://") :].split("/", 1)
        self.asked.append(f"{method} {host}/{path}")
        answer = self.answers.get(host)
        if answer is None:
            error = HttpError(f"{method} {url}: no response")
            error.kind = "refused"
            raise error
        status, body = answer.get(path, (200, {}))
        return Response(status, {"date": "Fri, 01 May 2026 12:00:00 GMT"}, json.dumps(body).encode(), None)


def test_api_takes_the_first_ready_server_and_keeps_it() -> None:
    servers = Servers(b={"readyz": (500, {})}, c={"api": (200, {"kind": "APIVersions"})})
    api = Api(["https://a", "https://b", "https://c"], Tls(), send=servers)
    assert api.get("/api") == {"kind": "APIVersions"}
    api.get("/api")
    assert servers.asked == ["GET a/readyz", "GET b/readyz", "GET c/readyz", "GET c/api", "GET c/api"]
    assert api.date == "Fri, 01 May 2026 12:00:00 GMT"


def test_api_moves_on_when_its_server_is_lost() -> None:
    servers = Servers(a={}, b={})
    api = Api(["https://a", "https://b"], Tls(), send=servers)
    api.get("/api")
    del servers.answers["a"]
    api.post("/api", {})
    assert servers.asked[-1] == "POST b/api"


def test_api_without_any_server() -> None:
    with pytest.raises(ApiError) as caught:
        Api(["https://a"], Tls(), send=Servers()).get("/api")
    assert caught.value.status == 0 and "no server is ready" in str(caught.value)


def test_api_refusals() -> None:
    status = {"kind": "Status", "message": "nodes is forbidden"}
    servers = Servers(a={"nodes": (403, status), "none": (404, {"message": "not found"})})
    api = Api(["https://a"], Tls(), send=servers)
    with pytest.raises(ApiError, match="nodes is forbidden") as caught:
        api.get("/nodes")
    assert caught.value.status == 403
    assert api.find("/none") is None and api.delete("/none") is False


def test_a_request_without_a_server_has_a_reason() -> None:
    with pytest.raises(HttpError) as caught:
        request("http://127.0.0.1:1/", timeout=1)
    assert caught.value.kind == "refused" and "127.0.0.1:1" in str(caught.value)
    with pytest.raises(HttpError, match="scheme"):
        request("ftp://127.0.0.1/")


def lease(**spec: Any) -> dict[str, Any]:
    base = {"holderIdentity": "m1_x", "leaseDurationSeconds": 15, "renewTime": "2026-05-01T11:59:50.000000Z"}
    return {"spec": {**base, **spec}}


@pytest.mark.parametrize(
    "given, held",
    [
        (lease(), True),
        (lease(renewTime="2026-05-01T12:00:00.900000Z"), True),
        (lease(renewTime="2026-05-01T11:59:00.000000Z"), False),
        (lease(holderIdentity=""), False),
        (lease(renewTime=None), False),
        (None, False),
    ],
)
def test_leases(given: dict[str, Any] | None, held: bool) -> None:
    assert leases.held(given, NOW) is held


def test_server_time_falls_back_to_ours() -> None:
    assert leases.server_time("Fri, 01 May 2026 12:00:00 GMT") == NOW
    for broken in (None, "yesterday"):
        assert abs((leases.server_time(broken) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 5


@pytest.mark.parametrize(
    ("status", "message", "calls"),
    [
        (503, "etcdserver: leader changed", 3),
        (422, "failed to allocate IP: rpc error: code = Unavailable desc = connection reset by peer", 3),
        (422, "spec.ports: Required value", 1),
        (403, "forbidden", 1),
    ],
)
def test_a_request_is_repeated_while_its_error_is_temporary(status: int, message: str, calls: int) -> None:
    servers = Servers(a={"api": (status, {"message": message})})
    api, slept = Api(["https://a"], Tls(), send=servers), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            servers.answers["a"]["api"] = (200, {"kind": "Done"})

    if calls == 1:
        with pytest.raises(ApiError, match=message):
            retried(lambda: api.post("/api", {}), sleep=sleep)
    else:
        assert retried(lambda: api.post("/api", {}), sleep=sleep) == {"kind": "Done"}
    assert servers.asked.count("POST a/api") == calls
