# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role verify reports of hosts that it could not check, and from which master it checks the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"k1": "192.0.2.1", "k2": "192.0.2.2", "k3": "192.0.2.3", "lb1": "192.0.2.8"}
GROUPS = {"etcd": ["k1", "k2", "k3"], "master": ["k1", "k2", "k3"], "node": ["k3"], "lb": ["lb1"]}
HEALTHY: dict[str, Any] = {"problems": []}
PROBLEM: dict[str, Any] = {"problems": ["certificate of kube-scheduler: expired"]}
UNREACHABLE: dict[str, Any] = {"unreachable": True, "msg": "Connection timed out"}
FAILED: dict[str, Any] = {"failed": True, "msg": "no module named json"}


def verify(results: dict[str, dict[str, Any]], hosts: list[str] | None = None, **settings: Any) -> Rendered:
    """Return role verify after the check of the hosts."""
    hostvars = {
        name: {"ansible_host": address, **({"_verify_host": results[name]} if name in results else {})}
        for name, address in HOSTS.items()
    }
    play = list(HOSTS) if hosts is None else hosts
    return Rendered("verify", "k1", HOSTS, GROUPS, hostvars=hostvars, ansible_play_hosts_all=play, **settings)


def test_an_unreachable_first_master_is_one_problem_among_others() -> None:
    role = verify(
        {"k1": UNREACHABLE, "k2": PROBLEM, "k3": HEALTHY, "lb1": HEALTHY},
        _verify_cluster={"problems": ["node k1: not ready"]},
    )
    assert role.value("_verify_api_host") == "k3", "the healthy one first"
    first, *others = role.value("_verify_problems")
    assert first.startswith("host k1: not reached; fix the connection (try: ansible k1 -m")
    assert others == [*PROBLEM["problems"], "node k1: not ready"]


def test_a_load_balancer_is_checked_itself() -> None:
    role = verify({}, haproxy_loopback_bind="127.0.0.1:9443", haproxy_check_ca="", inventory_hostname="lb1")
    haproxy, keepalived = role.value("_verify_services")
    assert (haproxy["name"], haproxy["url"], haproxy["ca"]) == ("haproxy on lb1", "https://127.0.0.1:9443/readyz", "")
    assert (keepalived["name"], keepalived["unit"]) == ("keepalived on lb1", "keepalived")
    assert {"haproxy", "keepalived"}.isdisjoint(units_of("k1")), "k1 is no load balancer"


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


@pytest.mark.parametrize(("result", "words"), [(FAILED, "no module named json"), (None, "earlier in this run")])
def test_an_unchecked_host_is_reported(result: dict[str, Any] | None, words: str) -> None:
    results = {"k1": HEALTHY, "k2": HEALTHY, "k3": HEALTHY, **({"lb1": result} if result else {})}
    (problem,) = verify(results).value("_verify_problems")
    assert problem.startswith("host lb1: not checked") and words in problem


def test_hosts_outside_the_limit_are_neither_checked_nor_reported() -> None:
    role = verify({"k2": PROBLEM, "k3": PROBLEM}, hosts=["k2", "k3"])
    assert role.value("_verify_api_host") == "k2"
    assert role.value("_verify_host_failures") == []


@pytest.mark.parametrize(
    ("hosts", "why"),
    [(["lb1"], "no master is in this run"), (["lb1", "k1"], "no master is reachable")],
    ids=["limit", "dead"],
)
def test_without_a_master_the_cluster_is_not_checked(hosts: list[str], why: str) -> None:
    role = verify({"lb1": HEALTHY, "k1": UNREACHABLE}, hosts=hosts)
    assert role.value("_verify_api_host") == ""
    (line,) = role.value("_verify_summary")
    assert "NOT CHECKED" in line and why in line


@pytest.mark.parametrize(
    ("left_alone", "tested"),
    [([], ["k1", "k2", "k3"]), (["k1", "k2"], ["k3", "k1"]), (["k1", "k2", "k3"], []), (["k3"], ["k1", "k2", "k3"])],
)
def test_pods_start_on_the_nodes_that_were_visited_and_one_more(left_alone: list[str], tested: list[str]) -> None:
    hostvars = {name: {"ansible_host": address} for name, address in HOSTS.items()}
    hostvars["localhost"] = {"_cluster_up_to_date": left_alone}
    nodes = [{"name": name, "ready": True} for name in ("k1", "k2", "k3")]
    groups = {**GROUPS, "node": ["k1", "k2", "k3"]}
    role = Rendered("verify", "k1", HOSTS, groups, hostvars=hostvars, _verify_cluster={"nodes": nodes})
    assert role.value("_verify_tested_nodes") == tested
    assert role.value("_verify_starts_pods") is bool(tested)
    line = role.value("_verify_network_line")
    assert tested or line.startswith("NOT TESTED, because nothing was to be done on the nodes")


def test_without_flannel_and_kube_proxy_neither_is_checked() -> None:
    own = {"cluster_cni": "none", "node_kube_proxy_mode": "none", "inventory_hostname": "k3"}
    role = verify({}, **own)
    units = {service["unit"] for service in role.value("_verify_services")}
    assert {"containerd", "kubelet"} <= units and units.isdisjoint({"flanneld", "kube-proxy"})
    assert role.value("_verify_cni_config") == ""
    assert [path for path in role.value("_verify_objects") if "flannel" in path] == []
    flannel = [path for path in verify({}).value("_verify_objects") if "flannel" in path]
    assert len(flannel) == 4, "with flannel they must exist"


def test_nodes_that_wait_for_a_network_are_one_line() -> None:
    cluster = {"awaiting": ["k3"], "nodes": [{"name": "k3", "ready": False}]}
    role = verify({"k1": HEALTHY, "k3": HEALTHY}, cluster_cni="none", _verify_cluster=cluster)
    (line,) = (line for line in role.value("_verify_summary") if line.startswith("Pod network: "))
    assert line.startswith("Pod network: AWAITED on k3, as cluster_cni is none. Install it (docs/pod-network.md)")
    assert role.value("_verify_network_line") == "NOT TESTED, because the pod network is awaited"
    assert role.value("_verify_problems")[:1] != ["node k3: not ready"]
