# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role verify tells of hosts that it could not look at, and from where it looks at the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.rendered import Rendered

HOSTS = {"k1": "192.0.2.1", "k2": "192.0.2.2", "k3": "192.0.2.3", "lb1": "192.0.2.8"}
GROUPS = {"etcd": ["k1", "k2", "k3"], "master": ["k1", "k2", "k3"], "node": ["k3"], "lb": ["lb1"]}
WELL: dict[str, Any] = {"problems": []}
ILL: dict[str, Any] = {"problems": ["certificate of kube-scheduler: expired"]}
SILENT: dict[str, Any] = {"unreachable": True, "msg": "Connection timed out"}
FAILED: dict[str, Any] = {"failed": True, "msg": "no module named json"}


def verify(looks: dict[str, dict[str, Any]], hosts: list[str] | None = None, **settings: Any) -> Rendered:
    """Return role verify after the hosts were asked."""
    hostvars = {
        name: {"ansible_host": address, **({"_verify_host": looks[name]} if name in looks else {})}
        for name, address in HOSTS.items()
    }
    play = list(HOSTS) if hosts is None else hosts
    return Rendered("verify", "k1", HOSTS, GROUPS, hostvars=hostvars, ansible_play_hosts_all=play, **settings)


def test_a_dead_first_master_is_one_line_among_the_others() -> None:
    role = verify(
        {"k1": SILENT, "k2": ILL, "k3": WELL, "lb1": WELL}, _verify_cluster={"problems": ["node k1: not ready"]}
    )
    assert role.value("_verify_api_host") == "k3", "the healthy one first"
    first, *others = role.value("_verify_found")
    assert first.startswith("host k1: not reached; fix the connection (try: ansible k1 -m")
    assert others == [*ILL["problems"], "node k1: not ready"]


def test_a_load_balancer_shows_what_it_is_worth_itself() -> None:
    role = verify({}, haproxy_loopback_bind="127.0.0.1:9443", haproxy_check_ca="", inventory_hostname="lb1")
    haproxy, keepalived = role.value("_verify_services")
    assert (haproxy["name"], haproxy["url"], haproxy["ca"]) == ("haproxy on lb1", "https://127.0.0.1:9443/readyz", "")
    assert (keepalived["name"], keepalived["unit"]) == ("keepalived on lb1", "keepalived")
    assert {"haproxy", "keepalived"}.isdisjoint(units_of("k1")), "k1 balances nothing"


def units_of(host: str) -> set[str]:
    """Return the units that are checked on a host."""
    return {service["unit"] for service in verify({}, inventory_hostname=host).value("_verify_services")}


def test_every_unit_of_a_host_s_groups_is_checked() -> None:
    assert units_of("k1") == {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
    assert units_of("k3") == units_of("k1") | {"containerd", "kubelet", "kube-proxy", "flanneld"}


def test_names_are_resolved_where_pods_run() -> None:
    (query,) = verify({}, inventory_hostname="k3").value("_verify_dns_queries")
    assert (query["server"], query["answer"]) == ("10.96.0.10", "10.96.0.1")
    assert verify({}).value("_verify_dns_queries") == [], "k1 is no node"
    off = verify({}, inventory_hostname="k3", verify_workload=False)
    assert (off.value("_verify_dns_queries"), off.value("_verify_deployments")) == ([], [])


@pytest.mark.parametrize(("look", "words"), [(FAILED, "no module named json"), (None, "lost earlier in this run")])
def test_whoever_could_not_be_looked_at_is_told(look: dict[str, Any] | None, words: str) -> None:
    looks = {"k1": WELL, "k2": WELL, "k3": WELL, **({"lb1": look} if look else {})}
    (problem,) = verify(looks).value("_verify_found")
    assert problem.startswith("host lb1: not looked at") and words in problem


def test_who_is_not_in_the_limit_is_neither_asked_nor_told() -> None:
    role = verify({"k2": ILL, "k3": ILL}, hosts=["k2", "k3"])
    assert role.value("_verify_api_host") == "k2"
    assert role.value("_verify_lost") == []


@pytest.mark.parametrize(
    ("hosts", "why"),
    [(["lb1"], "no master is in this run"), (["lb1", "k1"], "no master answers")],
    ids=["limit", "dead"],
)
def test_without_a_master_the_cluster_is_not_looked_at(hosts: list[str], why: str) -> None:
    role = verify({"lb1": WELL, "k1": SILENT}, hosts=hosts)
    assert role.value("_verify_api_host") == ""
    (line,) = role.value("_verify_summary")
    assert "NOT LOOKED AT" in line and why in line
