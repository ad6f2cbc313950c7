# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit on sandbox hosts that answers with the configuration it started with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.hosts.sandbox import Lab

WEB = Path(__file__).with_name("web.py")


UNIT = """[Unit]
Description=Web
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/local/bin/web
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""


def files(config: str) -> dict[str, Any]:
    """Return the task that writes the program, its unit and its configuration."""
    entries = [
        {"path": "/usr/local/bin/web", "source": str(WEB), "mode": "0755"},
        {"path": "/etc/web.conf", "content": config},
        {"path": "/etc/systemd/system/web.service", "content": UNIT},
    ]
    return {"hardway.kubernetes.files": {"files": entries}}


def unit(hosts: Lab, minimum: int = 2, **more: Any) -> dict[str, Any]:
    """Return the task that runs the unit."""
    urls = [f"http://{address}:8080/" for address in hosts.addresses.values()]
    health = {"url": "http://127.0.0.1:8080/", "timeout": 10}
    wanted = {"name": "web", "inputs": ["/etc/web.conf"], "health": health, **more}
    gate = {"urls": urls, "minimum": minimum, "timeout": 3}
    return {"hardway.kubernetes.unit": {"units": [wanted], "rolling": "web", "gate": gate}}


def served(hosts: Lab) -> list[str]:
    """Return the configuration that each process started with."""
    return list(
        hosts.everywhere(
            'curl -s http://127.0.0.1:8080/ || python3 -c "import urllib.request as u;'
            "print(u.urlopen('http://127.0.0.1:8080/').read().decode())\""
        ).values()
    )


def processes(hosts: Lab) -> list[str]:
    """Return each host's process and when it started."""
    return list(hosts.everywhere("systemctl show -p MainPID -p ExecMainStartTimestampMonotonic web").values())


def started(hosts: Lab) -> list[float]:
    """Return when each process started, on one clock for all."""
    seen = hosts.everywhere("systemctl show -P ExecMainStartTimestampMonotonic web")
    return sorted(int(value) / 1e6 for value in seen.values())


def actions(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return what happened to the unit on each host."""
    return [result["units"]["web.service"]["action"] for result in results.values()]
