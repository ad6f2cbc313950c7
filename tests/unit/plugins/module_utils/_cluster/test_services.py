# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that must run, stay up and answer, as host_health checks them."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import host_health_problems as health
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_health_probe import (
    HostHealthProbe,
    pod_addresses,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

SHOWN = {
    "haproxy.service": "LoadState=loaded\nActiveState=active\nSubState=running",
    "keepalived.service": "LoadState=loaded\nActiveState=inactive\nSubState=dead",
    "gone.service": "LoadState=not-found\nActiveState=inactive\nSubState=dead",
}


def systemctl(command: list[str]) -> tuple[int, str, str]:
    """Return the output of systemctl show, of a check, and of journalctl."""
    if command[0] == "check":
        return 1, "", "parsing failed\nin line 3"
    if command[0] == "journalctl":
        return 0, "Starting\nWARNING - script 'a' is not executable - disabling.\n", ""
    if any("NRestarts" in word for word in command):
        return 0, "Id=haproxy.service\nNRestarts=7\nExecMainStartTimestampMonotonic=1000000\n", ""
    return 0, "\n\n".join(SHOWN[name] for name in command[command.index("--") + 1 :]), ""


def checked(*services: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the state of these services."""
    return HostHealthProbe({}, systemctl).services(services)


def service(unit: str, **more: Any) -> dict[str, Any]:
    """Return an entry of the option."""
    return {"unit": unit, "name": None, "url": None, "ca": None, "check": [], "complaints": [], **more}


class Busy(http.server.BaseHTTPRequestHandler):
    """Answers like a load balancer without servers."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def busy() -> Iterator[str]:
    """Return the address of a server that answers with an error."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/readyz"
        server.shutdown()


def test_all_problems_are_named(busy: str) -> None:
    wanted = [service("haproxy"), service("keepalived", name="keepalived on k1"), service("gone")]
    seen = checked(*wanted, service("haproxy", name="haproxy on k1", url=busy))
    assert [entry["state"] for entry in seen] == [
        "active (running)",
        "inactive (dead)",
        "inactive (dead)",
        "active (running)",
    ]
    assert health.service_problems(seen) == [
        "keepalived on k1: it is inactive (dead); see journalctl -u keepalived.service",
        "gone.service: there is no such unit; run its role",
        f"haproxy on k1: {busy}: status 503, not 200",
    ]


def test_nothing_is_queried_where_no_service_is_given() -> None:
    assert HostHealthProbe({}, lambda command: (1, "", "no systemd here")).services([]) == []


def test_a_unit_that_would_not_start_again_is_named() -> None:
    (seen,) = checked(service("haproxy", check=["check"]))
    assert seen["error"] == "it runs, but would not start again: parsing failed in line 3; run site.yml again"


def test_errors_in_the_journal_of_a_unit_are_named() -> None:
    (seen,) = checked(service("haproxy", complaints=["(?i)script.*disabling"]))
    assert seen["error"].startswith("it says: WARNING - script 'a' is not executable - disabling.;")
    assert checked(service("haproxy", complaints=["no such words"]))[0]["error"] == ""


@pytest.mark.parametrize(
    ("restarts", "age", "loops"),
    [(0, 1.0, False), (2, 1.0, False), (3, 1.0, True), (40, 29.0, True), (40, 31.0, False)],
)
def test_a_unit_in_a_restart_loop_does_not_count_as_running(restarts: int, age: float, loops: bool) -> None:
    assert bool(health.crash_loop(restarts, age)) is loops


def test_the_runtime_takes_the_first_network_configuration() -> None:
    def problem(*names: str) -> str:
        return health.cni_problem(names, "10-flannel.conflist", "/etc/cni/net.d")

    assert problem("10-flannel.conflist", "99-loopback.conf", ".10-flannel.new", "00-readme") == ""
    assert problem("README").startswith("/etc/cni/net.d/10-flannel.conflist: missing")
    assert problem("10-flannel.conflist", "10-calico.conflist").startswith(
        "/etc/cni/net.d/10-calico.conflist: comes before"
    )


def test_running_pods_outside_of_the_range_of_their_node_are_named(tmp_path: Path) -> None:
    config, reserved, running = tmp_path / "10-flannel.conflist", tmp_path / "networks", tmp_path / "tasks"
    ranges = [[{"subnet": "10.244.12.0/24"}]]
    config.write_text(json.dumps({"name": "flannel", "plugins": [{"ipam": {"ranges": ranges}}]}))
    for address, sandbox in (("10.244.11.3", "old"), ("10.244.12.4", "new"), ("10.244.11.9", "leftover")):
        (reserved / "flannel").mkdir(parents=True, exist_ok=True)
        (reserved / "flannel" / address).write_text(f"{sandbox}\neth0")
    for other in ("lock", "last_reserved_ip.0"):
        (reserved / "flannel" / other).write_text("10.244.11.3")
    for sandbox in ("old", "new"):
        (running / sandbox).mkdir(parents=True)
    found, subnets = pod_addresses(str(config), str(reserved), str(running))
    assert (found, subnets) == (["10.244.11.3", "10.244.12.4"], ["10.244.12.0/24"])
    assert "range 10.244.12.0/24: 10.244.11.3; restart flanneld" in health.address_problem(found, subnets)
    assert health.address_problem(["10.244.12.4"], subnets) == health.address_problem(found, []) == ""
    assert pod_addresses(str(tmp_path / "none")) == ([], [])


def test_different_kernel_settings_are_named_and_missing_ones_ignored() -> None:
    wanted = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
    (problem,) = health.sysctl_problems({"net.ipv4.ip_forward": "0"}, wanted)
    assert problem.startswith("sysctl net.ipv4.ip_forward: is 0, and 1 is needed")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (([], []), "no load balancer has it"),
        ((["192.0.2.100"], ["192.0.2.100"]), "lb1, lb2 have it at once"),
        ((["192.0.2.100"], []), ""),
    ],
)
def test_a_virtual_address_is_at_one_load_balancer(held: tuple[list[str], list[str]], words: str) -> None:
    hosts = {f"lb{number}": {"held": addresses} for number, addresses in enumerate(held, 1)}
    found = health.holder_problems(hosts, ["lb1", "lb2"], ["192.0.2.100"])
    assert words in " ".join(found) and bool(found) is bool(words)


def test_a_virtual_address_that_may_be_at_an_unresponsive_host_is_not_reported() -> None:
    hosts: dict[str, dict[str, Any]] = {"lb1": {"held": []}, "lb2": {"unreachable": True}}
    assert health.holder_problems(hosts, ["lb1", "lb2"], ["192.0.2.100"]) == []


def test_systemctl_without_output_is_run_again() -> None:
    answers = iter([(0, "\n", ""), (0, "LoadState=loaded\nActiveState=active\n", "")])
    seen = Systemd(lambda command: next(answers)).show(["etcd.service"])
    assert seen["etcd.service"].active == "active"


@pytest.mark.parametrize(
    ("answer", "named"), [("t 30000000\n", True), ("t 60000000\n", False), ("", False), ("no such thing", False)]
)
def test_a_logind_that_does_not_wait_for_pods_is_named(answer: str, named: bool) -> None:
    assert bool(health.shutdown_problem(answer, 60.0)) is named
