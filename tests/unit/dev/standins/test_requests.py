# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in of the API server handles requests, without a server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dev.standins.standin.apiserver import bodies
from dev.standins.standin.apiserver.api import Api
from dev.standins.standin.apiserver.identity import User
from dev.standins.standin.core.client import ApiError, Files
from dev.standins.standin.core.server import Request


def request(body: bytes, kind: str = "application/json", method: str = "POST", path: str = "") -> Request:
    """Return a request as the server hands it on."""
    return Request(method, path, {}, {"Content-Type": kind}, body, [], "192.0.2.1")


def test_a_time_in_yaml_is_text_as_in_json() -> None:
    found: dict[str, Any] = bodies.parsed(request(b"a: 2026-01-02T03:04:05Z\nb: 5\n", "application/apply-patch+yaml"))
    assert found == {"a": "2026-01-02T03:04:05Z", "b": 5}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"k8s\x00\x0a\xff", b"k8s\x00"])
def test_a_body_that_is_no_object_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "table", lambda _: {})
    with pytest.raises(ApiError) as refused:
        bodies.parsed(request(body))
    assert refused.value.status == 400


def test_every_error_is_answered(capfd: pytest.CaptureFixture[str]) -> None:
    """A client whose connection just ends cannot distinguish that from a server that is gone."""

    def panic(*_: object) -> None:
        raise TypeError("unexpected")

    one = SimpleNamespace(
        user=lambda _: User("a"), allows=lambda *_: True, note=lambda *_: None, get=panic, finalize=panic
    )
    parts: Any = one
    answer = Api("1.36.2", parts, parts, parts, parts, Files("")).answer(
        request(b"", method="GET", path="/api/v1/namespaces/default/configmaps/a")
    )
    assert (answer.status, answer.content["reason"]) == (500, "InternalError")
    assert "unexpected" in capfd.readouterr().err
