# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of the stand-ins shuts down gracefully."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from dev.standins.standin.core.server import Answer, Request, Server


@pytest.fixture
def begun() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(begun: threading.Event) -> Server:
    """Return a server that answers /slow after a second, and /watch without an end."""

    def endless() -> Iterator[dict[str, Any]]:
        while True:
            begun.set()
            yield {}
            time.sleep(0.1)

    def answer(request: Request) -> Answer:
        if request.path == "/watch":
            return Answer(200, endless())
        begun.set()
        time.sleep(1)
        return Answer(200, "done")

    return Server("127.0.0.1", 0, answer).serve()


def ask(server: Server, path: str, answers: list[Any]) -> threading.Thread:
    """Send a request in the background."""

    def run() -> None:
        connection = HTTPConnection("127.0.0.1", server.socket.getsockname()[1], timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read(4)))

    asking = threading.Thread(target=run, daemon=True)
    asking.start()
    return asking


def test_requests_in_flight_are_answered(server: Server, begun: threading.Event) -> None:
    answers: list[Any] = []
    asking = ask(server, "/slow", answers)
    assert begun.wait(10)
    server.drain(10)
    assert server.busy == 0
    asking.join(5)
    assert answers == [(200, b"done")]


def test_watches_and_endless_answers_do_not_delay_the_end(server: Server, begun: threading.Event) -> None:
    ask(server, "/watch", [])
    assert begun.wait(10)
    begin = time.monotonic()
    server.drain(10)
    assert time.monotonic() - begin < 5
    begun.clear()


def test_the_wait_is_limited(server: Server, begun: threading.Event) -> None:
    ask(server, "/slow", [])
    assert begun.wait(10)
    server.drain(0.1)
    assert server.busy == 1
