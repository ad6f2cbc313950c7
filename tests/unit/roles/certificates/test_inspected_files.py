# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files and endpoints role certificates inspects on a host, by its groups and the inventory."""

from __future__ import annotations

from typing import Any

from tests.support.roles.rendered import Rendered

ADDRESSES = {"m1": "192.0.2.1", "m2": "192.0.2.2", "l1": "192.0.2.9"}
GROUPS = {"all": ["m1", "m2", "l1"], "etcd": ["m1"], "master": ["m1", "m2"], "node": ["m1", "m2"], "lb": ["l1"]}
VIP = {"cluster_api_vip": "192.0.2.100"}


def host(name: str, **settings: Any) -> Rendered:
    """Return the role on a host."""
    own = [group for group, members in GROUPS.items() if name in members]
    return Rendered("certificates", name, ADDRESSES, GROUPS, group_names=own, **settings)


def files(rendered: Rendered) -> dict[str, list[str]]:
    """Return the users of each file."""
    return {item["path"]: item.get("used_by", []) for item in rendered.value("_certificates_files")}


def shared(rendered: Rendered) -> set[str]:
    """Return the endpoints that several hosts serve."""
    return {item["endpoint"] for item in rendered.value("_certificates_endpoints") if item.get("shared")}


def test_load_balancers_are_inspected() -> None:
    assert files(host("l1", **VIP)) == {"/etc/haproxy": [], "/etc/haproxy/api-ca.crt": ["haproxy", "keepalived"]}
    assert "/srv/api.crt" in files(host("l1", **VIP, haproxy_check_ca="/srv/api.crt"))
    assert set(files(host("l1", **VIP, haproxy_check_ca=""))) == {"/etc/haproxy"}
    assert not any("haproxy" in path for path in files(host("m1", **VIP)))


def test_every_address_of_the_api_is_inspected() -> None:
    former = {"cluster_api_former_vip": "192.0.2.99"}
    assert shared(host("m1", **VIP)) == {"192.0.2.100:6443"}
    assert shared(host("m1", **VIP, **former)) == {"192.0.2.100:6443", "192.0.2.99:6443"}
    named = {"cluster_api_endpoint": "api.example.org:443"}
    assert shared(host("m1", **VIP, **named)) == {"192.0.2.100:6443", "api.example.org:443"}
    assert shared(host("l1", **VIP, **former)) == set()
    # A single master is its own endpoint.
    assert shared(host("m1")) == set()


def test_the_kubeconfig_of_the_administrators_is_found_where_a_master_has_it() -> None:
    assert "/nonexistent/.pki/admin.kubeconfig" in files(host("localhost"))
    theirs = {name: {"ansible_host": address, "inventory_hostname": name} for name, address in ADDRESSES.items()}
    theirs["m1"]["admin_kubeconfig"] = "/home/ops/admin.kubeconfig"
    found = files(host("localhost", hostvars=theirs))
    assert found["/home/ops/admin.kubeconfig"] == ["administrators"]
