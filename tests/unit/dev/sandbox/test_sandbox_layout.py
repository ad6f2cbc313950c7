# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses and inventories of a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.sandbox.errors import SandboxError
from dev.sandbox.inventory import groups, parse_group, render, ssh_args
from dev.sandbox.layout import Layout, make_layout, top_directory

LAYOUT = Layout(Path("/state"), "demo", 7)


def test_host_names_follow_from_the_sandbox_name() -> None:
    host = LAYOUT.host(2)
    assert (host.name, host.tag, host.address) == ("n2", "hws.demo.n2", "198.18.7.12")
    assert host.mac == "02:48:57:07:00:02"
    assert host.root == Path("/state/demo/n2/root")


def test_hosts_have_distinct_addresses() -> None:
    hosts = LAYOUT.hosts(200)
    assert len({host.address for host in hosts} | {LAYOUT.controller, LAYOUT.virtual}) == 202
    assert len({host.mac for host in hosts}) == 200


def test_interface_and_socket_names_fit_the_kernel() -> None:
    layout = Layout(Path("/state"), "a" * 24)
    assert len(layout.uplink) <= 15
    # %C is 40 characters, ssh appends 17 while it opens the socket, the kernel takes 107.
    assert len(f"{layout.sockets}/") + 40 + 17 <= 107


@pytest.mark.parametrize("name", ["", "A", "a.b", "-a", "a-", "a/b", "..", "a" * 25])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="no sandbox name"):
        make_layout(name)


def test_bad_subnet_is_refused() -> None:
    with pytest.raises(SandboxError, match="subnet"):
        make_layout("a", 256)


def test_state_directory_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDWAY_SANDBOX_DIR", "/elsewhere")
    assert top_directory() == Path("/elsewhere")


def test_ha_on_three_hosts_stacks_everything() -> None:
    found = groups("ha", ["n1", "n2", "n3"])
    assert found == {
        "etcd": ["n1", "n2", "n3"],
        "master": ["n1", "n2", "n3"],
        "node": ["n1", "n2", "n3"],
        "lb": ["n1", "n2"],
    }


def test_ha_on_five_hosts_separates_the_nodes() -> None:
    assert groups("ha", ["n1", "n2", "n3", "n4", "n5"])["node"] == ["n4", "n5"]


def test_ha_on_two_hosts_is_refused() -> None:
    with pytest.raises(SandboxError, match="three hosts"):
        groups("ha", ["n1", "n2"])


def test_single_master_alone_is_its_own_node() -> None:
    assert groups("single-master", ["n1"])["node"] == ["n1"]
    assert groups("single-master", ["n1", "n2"])["node"] == ["n2"]


def test_group_option() -> None:
    assert parse_group("lb=n1,n2", ["n1", "n2"]) == ("lb", ["n1", "n2"])
    for bad in ("lb", "=n1", "lb=n9"):
        with pytest.raises(SandboxError, match="GROUP=HOST"):
            parse_group(bad, ["n1", "n2"])


def test_inventory_is_yaml_with_the_groups() -> None:
    yaml = pytest.importorskip("yaml")
    text = render(LAYOUT, LAYOUT.hosts(3), "ha", ["lb=n3"])
    inventory = yaml.safe_load(text)["all"]
    assert inventory["hosts"]["n1"] == {"ansible_host": "198.18.7.11"}
    assert inventory["vars"]["ansible_user"] == "root"
    assert inventory["vars"]["cluster_api_vip"] == "198.18.7.250"
    assert inventory["children"]["lb"]["hosts"] == {"n3": None}


def test_single_master_inventory_has_an_empty_lb_and_no_vip() -> None:
    yaml = pytest.importorskip("yaml")
    inventory = yaml.safe_load(render(LAYOUT, LAYOUT.hosts(1), "single-master"))["all"]
    assert inventory["children"]["lb"]["hosts"] == {}
    assert "cluster_api_vip" not in inventory["vars"]


def test_flat_inventory_has_no_groups() -> None:
    assert "children" not in render(LAYOUT, LAYOUT.hosts(2), "flat")


def test_ssh_ignores_the_users_own_configuration() -> None:
    words = ssh_args(LAYOUT)
    assert "-F none" in words and "ControlPersist" in words and "ControlPath=/run/hws.demo/%C" in words
