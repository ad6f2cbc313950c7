# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that must run and answer, as cluster_info judges them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils import _cluster_state as state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster_state_probe import look_at_services
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit_host import Systemd

SHOWN = {
    "haproxy.service": "LoadState=loaded\nActiveState=active\nSubState=running",
    "keepalived.service": "LoadState=loaded\nActiveState=inactive\nSubState=dead",
    "gone.service": "LoadState=not-found\nActiveState=inactive\nSubState=dead",
}


def systemctl(command: list[str]) -> tuple[int, str, str]:
    """Answer in the place of systemctl show."""
    return 0, "\n\n".join(SHOWN[name] for name in command[command.index("--") + 1 :]), ""


def service(unit: str, **more: Any) -> dict[str, Any]:
    """Return an entry of the option."""
    return {"unit": unit, "name": None, "url": None, "ca": None, "server_name": None, **more}


class Busy(http.server.BaseHTTPRequestHandler):
    """Answers as a load balancer without servers does."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def busy() -> Iterator[str]:
    """Return the address of something that answers, but not well."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/readyz"
        server.shutdown()


def test_all_that_is_wrong_is_named(busy: str) -> None:
    wanted = [service("haproxy"), service("keepalived", name="keepalived on k1"), service("gone")]
    seen = look_at_services(Systemd(systemctl), [*wanted, service("haproxy", name="haproxy on k1", url=busy)])
    assert [entry["state"] for entry in seen] == [
        "active (running)",
        "inactive (dead)",
        "inactive (dead)",
        "active (running)",
    ]
    assert state.service_problems(seen) == [
        "keepalived on k1: it is inactive (dead); see journalctl -u keepalived.service",
        "gone.service: there is no such unit; run its role",
        f"haproxy on k1: {busy}: status 503, not 200",
    ]


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    assert look_at_services(Systemd(lambda command: (1, "", "no systemd here")), []) == []


def test_systemctl_that_says_nothing_at_first_is_asked_again() -> None:
    answers = iter([(0, "\n", ""), (0, "LoadState=loaded\nActiveState=active\n", "")])
    seen = Systemd(lambda command: next(answers)).show(["etcd.service"])
    assert seen["etcd.service"].active == "active"
