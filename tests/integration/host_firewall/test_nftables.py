# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_firewall with the nftables rules of an operator, with real connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab
from tests.support.hosts.traffic import NFTABLES, RESET, from_controller, in_controller, opening, serve

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]
CLIENT, STRANGER = "198.18.0.1", "198.18.0.201"
UNTIL_ADDED = "for try in 1 2 3 4 5 6 7 8 9; do nft list ruleset | grep -q 'jump hardway' && break; sleep 0.3; done"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a host that drops everything but ssh, and a controller with two addresses."""
    with lab(tmp_path_factory.mktemp("fwnft"), 1) as ready:
        ready.inside("n1", f"printf '%s' '{NFTABLES}' >/etc/nftables.conf; systemctl enable -q --now nftables")
        serve(ready, "n1", [2379])
        in_controller(ready, f"ip addr add {STRANGER}/24 dev $(ip -o -4 addr | awk '/198.18.0.1\\//{{print $2}}')")
        yield ready


def run(host: Lab, *sources: str, check: bool = False) -> dict[str, Any]:
    """Return the module's result."""
    return host.play({"hardway.kubernetes.host_firewall": {"openings": [opening(2379, *sources)]}}, check=check)["n1"]


def reached(host: Lab) -> list[str]:
    """Return from where the port is reached."""
    address = host.addresses["n1"]
    return [source for source in (CLIENT, STRANGER) if from_controller(host, address, 2379, source)]


def test_a_port_is_open_for_its_client_alone(host: Lab) -> None:
    former = host.inside("n1", "nft -s list ruleset")
    predicted = run(host, CLIENT, check=True)
    assert predicted["changed"] and reached(host) == []
    assert host.inside("n1", "nft -s list ruleset") == former
    done = run(host, CLIENT)
    assert (done["changes"], done["firewall"]) == (predicted["changes"], "nftables")
    assert reached(host) == [CLIENT]
    # The operator's rules are loaded again, which removes ours, and the unit adds them again.
    host.inside("n1", f"systemctl reload nftables; {UNTIL_ADDED}")
    assert reached(host) == [CLIENT]
    assert not run(host, CLIENT)["changed"]
    host.inside("n1", "mkdir -p /var/lib/hardway")
    assert host.play(RESET)["n1"]["changed"]
    assert host.inside("n1", "nft -s list ruleset") == former and reached(host) == []
    assert host.inside("n1", "systemctl list-unit-files hardway-firewall.service | tail -n 1") == "0 unit files listed."
