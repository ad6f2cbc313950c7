# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that role keepalived writes, rendered without any host."""

from __future__ import annotations

import re
import signal
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
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
    assert checker().accepted(code, said) is expected


def checker() -> ModuleType:
    """Return the program that checks configurations."""
    loader = SourceFileLoader("check_config", str(ROLES / "keepalived/files/check-config"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.9"])
def test_the_interface_is_found_by_a_first_and_by_a_further_address(address: str) -> None:
    device = {**FACTS["br_lan"], "ipv4_secondaries": [{"address": "192.0.2.9"}]}
    found = role(
        keepalived_interface="", hosts={"lb1": address, "lb2": "192.0.2.2"}, ansible_facts={**FACTS, "br_lan": device}
    )
    assert found.value("_keepalived_used_interface") == "br-lan"


SCRIPTS = [
    {"event": "any", "path": "/usr/bin/logger", "arguments": "-t vip", "user": "root"},
    {"event": "master", "name": "took.sh", "content": "#!/bin/sh\n"},
]


def test_scripts_run_at_their_events() -> None:
    """In each instance, as their users, and their executability is checked."""
    text = configuration(keepalived_notify_scripts=SCRIPTS, cluster_api_former_vip="192.0.2.101")
    assert text.count('    notify "/usr/bin/logger -t vip" root\n') == 2
    assert text.count('    notify_master "/usr/libexec/keepalived/notify/took.sh"\n') == 2
    found = checker().programs(text)
    assert ("/usr/bin/logger", "root") in found and ("/usr/libexec/keepalived/notify/took.sh", "") in found
    assert ("/usr/bin/grep", "") in found
    assert "notify" not in configuration()


def test_only_scripts_with_a_name_are_installed() -> None:
    """By default executable by all; the directory goes with the last one."""
    found = role(keepalived_notify_scripts=SCRIPTS).value("_keepalived_notify_files")
    assert [(entry["path"], entry.get("mode")) for entry in found] == [
        ("/usr/libexec/keepalived/notify/took.sh", "0755"),
        ("/usr/libexec/keepalived/notify", "0755"),
    ]
    assert found[-1]["purge"] is True
    (none,) = role().value("_keepalived_notify_files")
    assert none["state"] == "absent"


def test_interval_prefix_and_lines_of_the_operator() -> None:
    """Each in its place of every instance."""
    text = configuration(
        keepalived_advert_interval=3,
        keepalived_prefix_length=24,
        keepalived_extra_global_config="vrrp_garp_lower_prio_repeat 1",
        keepalived_extra_instance_config="track_interface {\n    eth1\n}\n",
        keepalived_extra_config="vrrp_script own {\n}",
    )
    assert "    advert_int 3\n" in text and "        192.0.2.100/24\n" in text
    assert re.search(r"global_defs {[^}]*vrrp_garp_lower_prio_repeat 1\n}", text)
    assert re.search(r"vrrp_instance [\s\S]*\n    track_interface {\n        eth1\n    }\n}\n", text)
    assert text.rstrip().endswith("\n\nvrrp_script own {\n}")
    assert "    advert_int 1\n" in configuration() and "        192.0.2.100/32\n" in configuration()
