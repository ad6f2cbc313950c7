# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master is added, the virtual address changes; a client that works meanwhile loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.hosts.cluster import Cluster, unharmed
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]


@pytest.fixture(scope="module")
def growing() -> Iterator[Cluster]:
    """Return a cluster with two masters on three hosts."""
    need_cluster()
    made = Cluster("e2e-growth", ["master=n1,n2", "lb=n1,n2,n3"])
    with made.standing(3):
        made.deploy()
        yield made


def address(cluster: Cluster, host: str) -> str:
    """Return the address of a host."""
    return str(cluster.described()["hosts"][host]["ansible_host"])


def served_names(cluster: Cluster, host: str) -> str:
    """Return the names in the certificate that a host's API server shows, as openssl prints them."""
    show = f"openssl s_client -connect {address(cluster, host)}:6443 </dev/null 2>/dev/null"
    done = cluster.exec(host, f"{show} | openssl x509 -noout -ext subjectAltName")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_third_master_is_added_to_the_certificate_of_every_master(growing: Cluster) -> None:
    third = f"IP Address:{address(growing, 'n3')}"
    assert not any(third in served_names(growing, host) for host in ("n1", "n2"))
    growing.groups = ["lb=n1,n2,n3"]
    growing.write_inventory()
    with growing.polling() as poll:
        growing.deploy()
    unharmed(poll, "a third master")
    assert all(third in served_names(growing, host) for host in growing.hosts())
    servers = growing.kubectl("n3", "get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")
    assert sorted(servers.split()) == [address(growing, host) for host in growing.hosts()]
    assert growing.deploy().changed == {}


def test_the_virtual_address_can_be_changed(growing: Cluster) -> None:
    old = growing.virtual_address()
    new = f"{old.rpartition('.')[0]}.{int(old.rpartition('.')[2]) + 1}"
    settings = growing.inventory / "group_vars" / "all" / "vip.yml"
    holder = growing.holder(old)
    settings.write_text(json.dumps({"cluster_api_vip": new, "cluster_api_former_vip": old}), encoding="utf-8")
    with growing.polling(address=old) as poll:
        growing.deploy()
    unharmed(poll, "a second address, a client at the first")
    assert not any("Timeout" in reason for reason in poll.reasons), "the first was away for a while"
    assert growing.deploy().changed == {}
    assert growing.holder(old) == holder, "the holder stays"
    kubeconfigs = "/etc/kubernetes/kubelet.conf /var/lib/kube-proxy/kubeconfig /etc/kubernetes/admin.conf"
    for host in growing.hosts():
        assert f"https://{old}" not in growing.exec(host, f"cat {kubeconfigs}").stdout

    settings.write_text(json.dumps({"cluster_api_vip": new}), encoding="utf-8")
    with growing.polling(address=new) as poll:
        growing.deploy()
    unharmed(poll, "the first address goes, a client at the second")
    assert growing.holder(old) == "" != growing.holder(new)
    for host in growing.hosts():
        assert f"IP Address:{new}" in served_names(growing, host)
        assert f"IP Address:{old}" not in served_names(growing, host)
    assert growing.deploy().changed == {}
