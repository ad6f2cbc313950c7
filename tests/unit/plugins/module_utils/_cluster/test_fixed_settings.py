# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permanent settings of a running cluster are refused; others, and undoing an incomplete change, are not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import fixed_settings

from tests.support.repository import ROLES

SHARED: dict[str, Any] = {
    "name": "kubernetes",
    "domain": "cluster.local",
    "service_cidr": "10.96.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "dns_address": "10.96.0.10",
    "api_port": 6443,
    "cni": "flannel",
}
FLAGS = {
    "etcd": {
        "name": "k1",
        "data-dir": "/var/lib/etcd",
        "initial-advertise-peer-urls": "https://192.0.2.11:2380",
        "initial-cluster-token": "kubernetes-etcd",
    },
    "kube-apiserver": {
        "service-cluster-ip-range": "10.96.0.0/16",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "secure-port": "6443",
    },
    "kube-controller-manager": {
        "cluster-cidr": "10.244.0.0/16",
        "cluster-name": "kubernetes",
        "node-cidr-mask-size": "24",
    },
    "kubelet": {"hostname-override": "k1"},
    "flanneld": {"kube-subnet-mgr": "true"},
}
IN_ETCD = {"etcd-endpoints": "https://192.0.2.11:2379", "etcd-prefix": "/coreos.com/network"}


def settings(flags: dict[str, Any] = FLAGS, shared: dict[str, Any] = SHARED, host: str = "k1", **own: Any) -> list[Any]:
    """Return the settings of one host."""
    report = {
        "flags": flags,
        "records": own.pop("records", []),
        "kubelet": {"domain": "cluster.local", "dns_address": "10.96.0.10"},
        "api": {"coredns": "1.14.2", "dns_address": "10.96.0.10"},
    }
    own = {**dict.fromkeys(fixed_settings.VARIABLES), "name": host, "address": "192.0.2.11", **own}
    return list(fixed_settings.settings(host, report, {**SHARED, **shared}, own))


def refusals(*arguments: Any, **own: Any) -> list[str]:
    """Return the refusals for one host."""
    return fixed_settings.problems(settings(*arguments, **own))


@pytest.mark.parametrize(
    "flags",
    [
        {"kube-apiserver": {"bind-address": "192.0.2.11"}},
        # In the middle of a change.
        {"etcd": {"listen-client-urls": "https://192.0.2.99:2379,https://192.0.2.11:2379,https://127.0.0.1:2379"}},
    ],
)
def test_masters_and_members_get_another_address_by_a_playbook_of_its_own(flags: dict[str, Any]) -> None:
    assert refusals(flags, address="192.0.2.99") == [
        "cluster_node_ip: k1 runs with 192.0.2.11, the inventory asks for 192.0.2.99; "
        "run change_address with -e hosts=k1, or set it back"
    ]


def test_a_node_follows_another_address_by_itself() -> None:
    assert refusals({"kubelet": {"node-ip": "192.0.2.11"}}, address="192.0.2.99") == []


def test_the_deployed_settings_are_accepted() -> None:
    assert refusals() == []


@pytest.mark.parametrize(
    ("shared", "variable", "runs"),
    [
        ({"service_cidr": "10.97.0.0/16"}, "cluster_service_cidr", "10.96.0.0/16"),
        ({"pod_cidr": "10.200.0.0/16"}, "cluster_pod_cidr", "10.244.0.0/16"),
        ({"domain": "k8s.example.org"}, "cluster_domain", "cluster.local"),
        ({"dns_address": "10.96.0.11"}, "cluster_dns_address", "10.96.0.10"),
        ({"api_port": 8443}, "cluster_api_port", "6443"),
    ],
)
def test_changes_of_common_settings_are_refused(shared: dict[str, Any], variable: str, runs: str) -> None:
    asked = next(iter(shared.values()))
    assert refusals(FLAGS, shared) == [
        f"{variable}: the cluster runs with {runs}, the inventory asks for {asked}; "
        "it cannot be changed on a running cluster; set it back"
    ]


@pytest.mark.parametrize(
    ("own", "variable"),
    [
        ({"etcd_data_dir": "/srv/etcd"}, "etcd_data_dir"),
        ({"etcd_config": {"data-dir": "/srv/etcd"}}, "etcd_config.data-dir"),
        ({"etcd_initial_cluster_token": "other"}, "etcd_initial_cluster_token"),
        ({"address": "192.0.2.99"}, "cluster_node_ip"),
        ({"master_node_cidr_mask_size": "25"}, "master_node_cidr_mask_size"),
        (
            {"master_apiserver_args": {"service-cluster-ip-range": "10.97.0.0/16"}},
            "master_apiserver_args.service-cluster",
        ),
        ({"flannel_store": "etcd"}, "flannel_store"),
        (
            {"etcd_config": {"wal-dir": "/srv/wal"}},
            "etcd_config.wal-dir: k1 runs with member/wal in the data",
        ),
        (
            {"master_apiserver_args": {"service-account-issuer": "https://example.org"}},
            "master_apiserver_args.service-account-issuer: the cluster runs with https://kubernetes.default.svc.cluster",
        ),
    ],
)
def test_changes_of_settings_of_a_host_are_refused(own: dict[str, Any], variable: str) -> None:
    (line,) = refusals(**own)
    assert line.startswith(variable) and "set it back" in line


def test_the_write_ahead_log_stays_where_it_is() -> None:
    moved = {**FLAGS, "etcd": {**FLAGS["etcd"], "wal-dir": "/srv/wal"}}
    assert refusals(moved, etcd_config={"wal-dir": "/srv/wal"}) == []
    for config in ({}, {"wal-dir": "/srv/other"}):
        (line,) = refusals(moved, etcd_config=config)
        assert line.startswith("etcd_config.wal-dir: k1 runs with /srv/wal, the inventory asks for")
    # A host without etcd has none.
    assert refusals({name: flags for name, flags in moved.items() if name != "etcd"}, etcd_config={}) == []


def test_an_issuer_may_be_added_before_the_former_one() -> None:
    """Until all tokens are of the new one: then it runs as the first, and the former can go."""
    former, new = "https://kubernetes.default.svc.cluster.local", "https://example.org"
    assert refusals(master_apiserver_args={"service-account-issuer": [new, former]}) == []
    runs = {**FLAGS, "kube-apiserver": {**FLAGS["kube-apiserver"], "service-account-issuer": new}}
    assert refusals(runs, master_apiserver_args={"service-account-issuer": new}) == []
    (line,) = refusals(runs)
    assert f"runs with {new}, the inventory asks for {former}" in line


def test_a_node_keeps_its_name() -> None:
    (line,) = refusals(name="other")
    assert line.startswith("cluster_node_name: k1 runs with k1, the inventory asks for other")


def test_another_cluster_name_is_reported_without_its_consequences() -> None:
    assert [line.partition(":")[0] for line in refusals(FLAGS, {"name": "other"})] == ["cluster_name"]


NONE = {name: flags for name, flags in FLAGS.items() if name != "flanneld"}


@pytest.mark.parametrize(
    ("flags", "recorded", "asked", "refused"),
    [
        (FLAGS, [], "none", "flannel"),
        (FLAGS, ["flannel"], "none", "flannel"),
        (NONE, ["flannel"], "none", "flannel"),
        (NONE, ["none"], "flannel", "none"),
        (NONE, ["none"], "none", ""),
        (FLAGS, ["flannel"], "flannel", ""),
        # A first run that was interrupted before flannel, and a record of an earlier release.
        (NONE, [], "flannel", ""),
        (NONE, [""], "none", ""),
    ],
)
def test_a_cluster_keeps_its_pod_network(flags: dict[str, Any], recorded: list[str], asked: str, refused: str) -> None:
    records = [{"cluster": "kubernetes", "versions": {}, "cni": cni} for cni in recorded]
    wanted = f"cluster_cni: the cluster runs with {refused}, the inventory asks for {asked}; "
    wanted += "it cannot be changed on a running cluster; set it back"
    assert refusals(flags, {"cni": asked}, records=records) == ([wanted] if refused else [])
    others = [{**record, "cluster": "other"} for record in records]
    assert refusals(NONE, {"cni": asked}, records=others) == [], "of another cluster"


def test_the_etcd_prefix_counts_where_leases_are_in_etcd() -> None:
    flags = {**FLAGS, "flanneld": IN_ETCD}
    assert refusals(flags, flannel_store="etcd") == []
    (line,) = refusals(flags, flannel_store="etcd", flannel_etcd_prefix="/other")
    assert line.startswith("flannel_etcd_prefix")
    (line,) = refusals(flags)
    assert line.startswith("flannel_store: the cluster runs with etcd, the inventory asks for kubernetes")


@pytest.mark.parametrize(
    "own",
    [
        {"master_node_cidr_mask_size": "24"},
        {"node_kubelet_config": {"clusterDNS": ["169.254.20.10"], "clusterDomain": "x"}},
        {"etcd_data_dir": "/var/lib/etcd/"},
        {"flannel_args": {"v": 5}, "master_apiserver_args": {"v": 5}, "etcd_config": {"log-level": "debug"}},
    ],
)
def test_other_settings_may_change(own: dict[str, Any]) -> None:
    assert refusals(**own) == []


def test_a_range_may_be_written_in_another_way() -> None:
    assert refusals(FLAGS, {"service_cidr": "10.96.3.0/16"}) == []


def test_an_incomplete_change_may_go_on_or_back() -> None:
    changed = {**FLAGS, "kube-apiserver": {**FLAGS["kube-apiserver"], "service-cluster-ip-range": "10.97.0.0/16"}}
    for asked, lines in (("10.96.0.0/16", 0), ("10.97.0.0/16", 0), ("10.98.0.0/16", 2)):
        shared = {"service_cidr": asked}
        both = [*settings(FLAGS, shared), *settings(changed, shared, "k2")]
        found = [line for line in fixed_settings.problems(both) if line.startswith("cluster_service_cidr")]
        assert len(found) == lines, found


def test_many_hosts_share_a_line() -> None:
    shared = {"service_cidr": "10.97.0.0/16"}
    assert len(fixed_settings.problems([*settings(FLAGS, shared), *settings(FLAGS, shared)])) == 1


def test_defaults_are_those_of_the_roles() -> None:
    for name, value in fixed_settings.DEFAULTS.items():
        defaults = yaml.safe_load((ROLES / name.partition("_")[0] / "defaults/main.yml").read_text(encoding="utf-8"))
        assert defaults[name] == value


def test_the_reference_marks_exactly_these_as_refused() -> None:
    said = set()
    for path in ROLES.glob("*/meta/changes.yml"):
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        said |= {name for name, change in entries.items() if change.startswith("refused")}
    # By their own checks: CAs of another cluster.
    assert said - {"cluster_pki_dir", "host_replace_cas"} == set(fixed_settings.REFUSED)
