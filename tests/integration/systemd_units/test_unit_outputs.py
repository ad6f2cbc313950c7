# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module unit and the files that a unit writes when it starts, on a real host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab

OUT = "/run/writer/out"
UNIT = f"""[Unit]
Description=Writer
[Service]
RuntimeDirectory=writer
RuntimeDirectoryPreserve=yes
ExecStart=/bin/sleep infinity
ExecStartPost=/bin/sh -c 'echo written > {OUT}'
[Install]
WantedBy=multi-user.target
"""
FILES = {
    "hardway.kubernetes.files": {"files": [{"path": "/etc/systemd/system/writer.service", "content": UNIT}]},
}
RUN = {"hardway.kubernetes.unit": {"units": [{"name": "writer", "outputs": [OUT]}], "rolling": "writer"}}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a host."""
    with lab(tmp_path_factory.mktemp("outputs"), 1) as ready:
        yield ready


def action(hosts: Lab, check: bool = False) -> tuple[str, list[str]]:
    """Return what was done to the unit and why."""
    result: dict[str, Any] = hosts.play(FILES, RUN, check=check)["n1"]["units"]["writer.service"]
    return result["action"], result["reasons"]


@pytest.mark.long
def test_a_lost_or_edited_output_of_a_unit_is_written_again(hosts: Lab) -> None:
    assert action(hosts)[0] == "started" and action(hosts) == ("none", [])
    for damage, reason in ((f"rm {OUT}", "is gone"), (f"echo other > {OUT}", "was changed by others")):
        hosts.inside("n1", damage)
        for check in (True, False):
            assert action(hosts, check) == ("restarted", [f"{OUT} {reason}"])
        assert hosts.inside("n1", f"cat {OUT}") == "written"
        assert action(hosts) == ("none", [])
    # A start by other means writes it, too.
    hosts.inside("n1", f"rm {OUT}; systemctl restart writer")
    assert action(hosts) == ("none", [])


def test_a_lost_interface_of_a_unit_is_added_again(hosts: Lab) -> None:
    """Also with cached results; an interface that is there has no time that could be compared."""
    program = UNIT.replace(f"echo written > {OUT}", "ip link show made0 || ip link add made0 type bridge")
    files = {"hardway.kubernetes.files": {"files": [{"path": "/etc/systemd/system/adder.service", "content": program}]}}
    units = [{"name": "adder", "outputs": ["/proc/sys/net/ipv4/conf/made0"]}]
    run = {"hardway.kubernetes.unit": {"units": units, "rolling": "adder"}}

    def done() -> tuple[str, list[str]]:
        result: dict[str, Any] = hosts.play(files, run)["n1"]["units"]["adder.service"]
        return result["action"], result["reasons"]

    assert done()[0] == "started" and done() == ("none", [])
    hosts.inside("n1", "ip link del made0")
    assert done() == ("restarted", ["/proc/sys/net/ipv4/conf/made0 is gone"])
    assert "made0" in hosts.inside("n1", "ip link show made0")
    assert done() == ("none", [])
