# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of hosts become one state of the cluster, also where a host's variables are unknown."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.hardway.kubernetes.plugins.filter.running_cluster import running_cluster

SHARED = {
    "name": "kubernetes",
    "domain": "cluster.local",
    "service_cidr": "10.96.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "dns_address": "10.96.0.10",
    "api_port": 6443,
    "cni": "flannel",
}
GROUPS = {"etcd": ["k1"], "master": ["k1"], "node": ["k2"]}


def report(**changes: Any) -> dict[str, Any]:
    """Return what a host reports of an API server alone."""
    found: dict[str, Any] = {"versions": {"kube-apiserver": "1.36.2"}, "active": ["kube-apiserver"], "etcd_data": False}
    flags = {"kube-apiserver": {"service-cluster-ip-range": "10.97.0.0/16"}}
    return {**found, "flags": flags, "kubelet": {}, "records": [], "stored": {}, "api": None, "servers": {}, **changes}


class Unreadable(dict[str, Any]):
    """Variables of which one is a template of unknown values."""

    def get(self, name: str, default: Any = None) -> Any:
        """Raise as Ansible does."""
        if name == "etcd_data_dir":
            raise AnsibleError("some_fact is undefined")
        return super().get(name, default)


def test_reports_of_the_play() -> None:
    hostvars = {"k1": {"_cluster_preflight": {"running": report(etcd_data=True)}}, "k2": {}}
    found = running_cluster(["k1", "k2"], hostvars, GROUPS, SHARED)
    assert found["versions"] == {"kubernetes": "1.36.2"}
    assert found["etcd_data"] == ["k1"]
    (line,) = found["problems"]
    assert line.startswith("cluster_service_cidr: the cluster runs with 10.97.0.0/16")


def test_the_state_of_an_upgrade_is_that_of_the_api_else_of_a_copy() -> None:
    soaks, done = {"former": "1.35.6", "emulated": "1.35"}, {"former": "1.35.6"}
    copy = {"cluster": "kubernetes", "versions": {}, "upgrade": soaks}
    live = {"cluster": "kubernetes", "versions": {}, "upgrade": done, "live": True}

    def found(*records: dict[str, Any]) -> Any:
        hostvars = {"k1": {"_cluster_preflight": {"running": report(etcd_data=True, records=list(records))}}, "k2": {}}
        return running_cluster(["k1", "k2"], hostvars, GROUPS, SHARED)["upgrade"]

    assert found(copy, live) == done and found(copy) == soaks
    assert found({**copy, "cluster": "other"}) == found() == {}
    assert found(copy, {"cluster": "kubernetes", "versions": {}, "live": True}) == {}


def test_an_interrupted_first_run_without_data_in_etcd_fixes_no_settings() -> None:
    def found(**changes: Any) -> dict[str, Any]:
        hostvars = {"k1": {"_cluster_preflight": {"running": report(**changes)}}, "k2": {}}
        return running_cluster(["k1", "k2"], hostvars, GROUPS, SHARED)

    assert (found(active=[])["versions"], found(active=[])["problems"]) == ({}, [])
    for changes in ({"active": ["kube-apiserver"]}, {"active": [], "etcd_data": True}):
        assert found(**changes)["versions"] == {"kubernetes": "1.36.2"} and found(**changes)["problems"]


def test_a_variable_that_cannot_be_known_is_not_compared() -> None:
    hostvars = {"k1": Unreadable(_cluster_preflight={"running": report()})}
    found = running_cluster(["k1"], hostvars, GROUPS, SHARED)
    assert (found["versions"], found["problems"]) == ({"kubernetes": "1.36.2"}, [])


def test_a_host_that_was_not_queried_is_not_reported() -> None:
    hostvars: dict[str, Any] = {"k1": {}, "k2": {"_cluster_preflight": {"running": report(versions={}, flags={})}}}
    skipped, lost = {"item": "k1", "skipped": True}, {"item": "k1", "unreachable": True}
    assert running_cluster(["k2"], hostvars, GROUPS, SHARED, {}, [skipped])["problems"] == []
    (line,) = running_cluster(["k2"], hostvars, GROUPS, SHARED, {}, [lost])["problems"][-1:]
    assert line.startswith("no control-plane host of k1 answers")


def test_a_member_with_another_address_than_its_host_has_moved() -> None:
    flags = {"etcd": {"initial-advertise-peer-urls": "https://192.0.2.11:2380"}}
    member = report(versions={"etcd": "3.6.14"}, flags=flags, etcd_data=True)
    addresses = {"k1": "192.0.2.11", "k2": "192.0.2.12", "k3": "192.0.2.13"}
    # Without data, it is a former member that joins again.
    reports = {"k1": member, "k2": member, "k3": {**member, "etcd_data": False}}
    hostvars = {h: {"cluster_node_ip": addresses[h], "_etcd_running": {"running": reports[h]}} for h in reports}
    found = running_cluster(["k1", "k2", "k3"], hostvars, {"etcd": list(reports)}, SHARED)
    allowed = running_cluster(["k1", "k2", "k3"], hostvars, {"etcd": list(reports)}, SHARED, moving=["k2"])
    assert any("k2 runs with" in line for line in found["problems"])
    assert not any("k2 runs with" in line for line in allowed["problems"])
    assert found["moved"] == ["k2"] and found["runs"]["etcd"] == {"3.6.14": ["k1", "k2", "k3"]}
