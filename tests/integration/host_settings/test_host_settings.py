# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_settings on a real host, checked by the host's own tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]
SWAP_UNIT = "[Swap]\\nWhat=/swapfile\\n[Install]\\nWantedBy=swap.target\\n"
WANTED = {
    "modules": ["overlay", "br_netfilter", "no_such_module"],
    "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.ip_local_reserved_ports": "30000-30010", "net.no.such": 1},
    "required": ["net.ipv4.ip_forward", "overlay"],
    "swap": False,
    "commands": ["sh", "no-such-command", "no-such-command|true"],
    "python_packages": ["json", "no_such_package"],
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host on which nothing has been set."""
    with lab(tmp_path_factory.mktemp("kernel"), 1) as ready:
        ready.inside("n1", "echo 'UUID=2 none swap sw 0 0' >>/etc/fstab; sysctl -qw net.ipv4.ip_forward=0")
        ready.inside(
            "n1", f"printf '{SWAP_UNIT}' >/etc/systemd/system/swapfile.swap; systemctl enable -q swapfile.swap"
        )
        yield ready


def run(host: Lab, check: bool = False, **more: Any) -> dict[str, Any]:
    """Return the module's result."""
    return host.play({"hardway.kubernetes.host_settings": {**WANTED, **more}}, check=check)["n1"]


def test_check_apply_check_apply(host: Lab) -> None:
    predicted = run(host, check=True)
    assert predicted["changed"]
    assert host.inside("n1", "sysctl -n net.ipv4.ip_forward; tail -n 1 /etc/fstab") == "0\nUUID=2 none swap sw 0 0"
    first = run(host)
    assert first["changes"] == predicted["changes"]
    features = first["ansible_facts"]["host_features"]
    assert sorted(features["unsupported"]) == ["net.no.such", "no_such_module"]
    assert features["missing_commands"] == ["no-such-command"] and features["missing_python"] == ["no_such_package"]
    assert features["overlay"] and not features["swap"]
    assert not run(host, check=True)["changed"]
    assert not run(host)["changed"]


def test_the_tools_of_the_host_show_the_settings(host: Lab) -> None:
    run(host)
    assert host.inside("n1", "sysctl -n net.ipv4.ip_forward net.ipv4.ip_local_reserved_ports") == "1\n30000-30010"
    assert host.inside("n1", "tail -n 1 /etc/fstab") == "#UUID=2 none swap sw 0 0"
    assert host.inside("n1", "systemctl is-enabled swapfile.swap || true") == "disabled"
    # systemd reads the file as intended, so the setting survives a boot.
    host.inside("n1", "sysctl -qw net.ipv4.ip_forward=0; /usr/lib/systemd/systemd-sysctl || true")
    assert host.inside("n1", "sysctl -n net.ipv4.ip_forward") == "1"


def test_a_required_setting_that_the_host_refuses_ends_the_run(host: Lab) -> None:
    said = run(host, required=["net.no.such"])
    assert said["failed"]
    assert said["msg"].startswith("net.no.such: is absent and cannot be set on this host")
