# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads of real daemons that accept every signal, and do not always reload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import REPOSITORY

HAPROXY = """defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
{% for port in ports %}
listen p{{ port }}
    bind 127.0.0.1:{{ port }}
    server s 127.0.0.1:9
{% endfor %}
"""
KEEPALIVED = """vrrp_instance a {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        {{ address }}
    }
}
"""
TAKES = """python3 -c '
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 7002)); s.listen()
time.sleep(600)' >/dev/null 2>&1 & echo $!; sleep 1"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host."""
    with lab(tmp_path_factory.mktemp("reload"), 1) as ready:
        yield ready


def play(hosts: Lab, name: str, path: str, content: str, check: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a configuration and run its unit; return the result for the unit."""
    write = {"hardway.kubernetes.files": {"files": [{"path": path, "content": content}]}}
    unit = {"name": name, "inputs": [path], "reloads": [path], "reload_check": check}
    return hosts.play(write, {"hardway.kubernetes.unit": {"units": [unit], "rolling": name}}, **more)["n1"]


def haproxy(hosts: Lab, *ports: int) -> dict[str, Any]:
    return play(hosts, "haproxy", "/etc/haproxy/haproxy.cfg", HAPROXY, {"new_process": True}, ports=list(ports))


def keepalived(hosts: Lab, content: str = KEEPALIVED, address: str = "198.18.0.250") -> dict[str, Any]:
    role = yaml.safe_load(Path(REPOSITORY, "roles/keepalived/vars/main.yml").read_text())
    check = role["_keepalived_process"]["reload_check"]
    return play(hosts, "keepalived", "/etc/keepalived/keepalived.conf", content, check, address=address)


@pytest.mark.long
def test_a_haproxy_that_cannot_bind_is_not_reported_as_reloaded(hosts: Lab) -> None:
    assert haproxy(hosts, 7001)["units"]["haproxy.service"]["action"] == "started"
    process = hosts.inside("n1", TAKES)
    for _run in range(2):
        seen = haproxy(hosts, 7001, 7002)
        assert seen.get("failed"), seen
        assert (
            "its reload failed, and it keeps serving with the previous configuration: no new process has taken over"
            in seen["msg"]
        )
        assert "cannot bind socket" in seen["msg"]
    hosts.inside("n1", f"kill {process}; sleep 1")
    assert haproxy(hosts, 7001, 7002)["units"]["haproxy.service"]["action"] == "reloaded"
    assert haproxy(hosts, 7001, 7002)["changed"] is False


def test_a_manual_reload_is_noticed(hosts: Lab) -> None:
    haproxy(hosts, 7001)
    hosts.inside("n1", "sed -i 's/:7001/:7009/' /etc/haproxy/haproxy.cfg; systemctl reload haproxy; sleep 1")
    assert haproxy(hosts, 7001)["units"]["haproxy.service"]["action"] == "reloaded"
    assert "127.0.0.1:7001" in hosts.inside("n1", "ss -ltn")


@pytest.mark.long
def test_a_keepalived_that_ignores_a_setting_is_not_reported_as_reloaded(hosts: Lab) -> None:
    assert keepalived(hosts)["units"]["keepalived.service"]["action"] == "started"
    assert keepalived(hosts, address="198.18.0.251")["units"]["keepalived.service"]["action"] == "reloaded"
    for _run in range(2):
        seen = keepalived(hosts, "vrrp_instance { nonsense\n")
        assert seen.get("failed"), seen
        assert "its reload failed, and it keeps serving with the previous configuration: " in seen["msg"]
    assert keepalived(hosts, address="198.18.0.251")["units"]["keepalived.service"]["action"] == "reloaded"
    assert keepalived(hosts, address="198.18.0.251")["changed"] is False


def test_a_command_that_a_drop_in_replaces_is_named(hosts: Lab) -> None:
    unit = {"path": "/etc/systemd/system/daemon.service", "content": "[Service]\nExecStart=/bin/sleep infinity\n"}
    drop_in = "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo I know no such flag; exit 1'\n"
    other = {"path": "/etc/systemd/system/daemon.service.d/10-other.conf", "content": drop_in}
    run = {"hardway.kubernetes.unit": {"units": [{"name": "daemon"}]}}
    seen = hosts.play({"hardway.kubernetes.files": {"files": [unit, other]}}, run)["n1"]
    assert "/etc/systemd/system/daemon.service.d/10-other.conf: replaces its ExecStart" in seen["msg"]
    assert "I know no such flag" in seen["msg"]


def test_an_error_of_systemd_is_reported_verbatim(hosts: Lab) -> None:
    unit = {"path": "/etc/systemd/system/bad.service", "content": "[Service]\nExecStart=sleep 1 $\nType=nonsense\n"}
    unit["content"] = "[Service]\nType=simple\n"
    run = {"hardway.kubernetes.unit": {"units": [{"name": "bad"}]}}
    seen = hosts.play({"hardway.kubernetes.files": {"files": [unit]}}, run)["n1"]
    assert seen["failed"]
    assert "Service has no ExecStart=" in seen["msg"]
