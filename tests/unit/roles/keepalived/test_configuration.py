# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that role keepalived writes, rendered without any host."""

from __future__ import annotations

import re
import signal
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import Any

import pytest

from tests.support.repository import ROLES
from tests.support.roles.rendered import Rendered

HOSTS = {"lb1": "192.0.2.1", "lb2": "192.0.2.2", "lb3": "192.0.2.3"}
FACTS: dict[str, Any] = {
    "interfaces": ["lo", "br-lan"],
    "br_lan": {"device": "br-lan", "ipv4": {"address": "192.0.2.1"}},
    "lo": {"device": "lo"},
}


def role(host: str = "lb1", hosts: dict[str, str] = HOSTS, **settings: Any) -> Rendered:
    """Return the role on one of the load balancers."""
    settings = {
        "cluster_api_vip": "192.0.2.100",
        "keepalived_password": "0123456789",
        "keepalived_interface": "eth0",
        "ansible_facts": FACTS,
        **settings,
    }
    return Rendered("keepalived", host, hosts, {"lb": list(hosts)}, **settings)


def configuration(**settings: Any) -> str:
    """Return the configuration."""
    return role(**settings).template("keepalived.conf.j2")


def weight(text: str, script: str) -> int:
    """Return the weight of a script."""
    found = re.search(rf"vrrp_script {script} {{[^}}]*weight (-?\d+)", text)
    assert found
    return int(found[1])


def priorities(count: int) -> list[int]:
    """Return the priorities of the hosts of a group, in its order."""
    hosts = {f"lb{number}": f"192.0.2.{number}" for number in range(1, count + 1)}
    return [int(role(host, hosts).value("keepalived_priority")) for host in hosts]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60])
def test_priority_follows_the_inventory(count: int) -> None:
    """The first host is preferred, all within the documented range; all are backups until one is elected."""
    found = priorities(count)
    assert found == sorted(set(found), reverse=True)
    assert 127 <= found[-1] <= found[0] <= 189
    assert "state BACKUP" in configuration()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_hosts_do_not_take_the_address_at_once(count: int) -> None:
    """A point of priority is 1/256 s of waiting; in a group of common size hosts are 50 ms and more apart."""
    found = priorities(count)
    assert all((one - other) / 256 > 0.05 for one, other in zip(found, found[1:]))


def test_weights_move_the_address_when_and_only_when_needed() -> None:
    """A failing holder loses to any healthy host; a healthy holder, or a holder among failing hosts, loses to none."""
    text = configuration()
    holding, failing = weight(text, "holder_192_0_2_100"), weight(text, "frontend")
    last, first = 127, 189
    assert first + holding + failing < last
    assert last + holding > first
    assert last + holding + failing > first + failing
    assert last + failing >= 1, "what is below counts as 1"
    assert first + holding <= 254


def test_the_settings_of_a_former_address_stay_while_it_is_served() -> None:
    """The settings by which keepalived recognizes an address are the same before, during and after a change."""

    def places(text: str) -> dict[str, str]:
        found = re.findall(r"^vrrp_instance (\w+) \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL)
        return dict(found)

    old, new = {"cluster_api_vip": "192.0.2.100"}, {"cluster_api_vip": "192.0.2.101"}
    before, after = places(configuration(**old)), places(configuration(**new))
    assert places(configuration(**new, cluster_api_former_vip="192.0.2.100")) == before | after
    assert len(before | after) == 2
    assert "virtual_router_id 101" in next(iter(after.values()))


def test_only_eight_characters_of_the_password_are_written() -> None:
    """What keepalived would ignore with a warning is left out."""
    assert "auth_pass 01234567\n" in configuration()


def test_peers_are_addressed_one_by_one_or_by_multicast() -> None:
    """Unicast names only the others; a single host, or multicast, names none."""
    assert re.search(r"unicast_peer {\s+192\.0\.2\.2\s+192\.0\.2\.3\s+}", configuration())
    assert "unicast" not in configuration(keepalived_unicast=False)
    assert "unicast" not in configuration(hosts={"lb1": "192.0.2.1"})


def test_the_interface_is_the_one_with_the_host_address() -> None:
    """Found by address, whatever name facts give it; empty where there is none."""
    assert "interface br-lan\n" in configuration(keepalived_interface="")
    assert role("lb2", keepalived_interface="").value("_keepalived_used_interface") == ""


def test_router_id_is_the_last_part_of_the_address() -> None:
    """Within 1 to 255 whatever the address."""
    assert role().value("keepalived_virtual_router_id") == 100
    assert role(cluster_api_vip="192.0.2.0").value("keepalived_virtual_router_id") == 1


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (0, "", True),
        (0, "WARNING - something", True),
        (-signal.SIGTERM, "", True),
        (-signal.SIGTERM, "(Line 25) Unknown keyword 'prority'", False),
        (5, "", False),
    ],
)
def test_output_of_the_checker(code: int, said: str, expected: bool) -> None:
    """A checker that ends by itself is accepted only when it printed nothing."""
    loader = SourceFileLoader("check_config", str(ROLES / "keepalived/files/check-config"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    assert module.accepted(code, said) is expected


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.9"])
def test_the_interface_is_found_by_a_first_and_by_a_further_address(address: str) -> None:
    device = {**FACTS["br_lan"], "ipv4_secondaries": [{"address": "192.0.2.9"}]}
    found = role(
        keepalived_interface="", hosts={"lb1": address, "lb2": "192.0.2.2"}, ansible_facts={**FACTS, "br_lan": device}
    )
    assert found.value("_keepalived_used_interface") == "br-lan"
