# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on a running cluster: it keeps its versions and its permanent settings, before any host is touched."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.support.hosts.site import Site, facts, running

# Older than the collection's default, and without a digest in its catalog: the collection was updated since.
RUNS = "1.35.3"
VERSIONS = {
    **dict.fromkeys(("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"), RUNS),
    "etcd": "3.6.6",
    "containerd": "2.2.6",
    "runc": "1.4.2",
    "cni": "1.9.0",
    "flanneld": "0.27.3",
    "pause": "3.10.1",
}
STORED = {
    "kubernetes": {
        RUNS: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet", "kube-proxy"]
    },
    "etcd": {"3.6.6": ["etcd", "etcdctl", "etcdutl"]},
    "containerd": {"2.2.6": ["containerd", "containerd-shim-runc-v2", "ctr"]},
    "runc": {"1.4.2": ["runc"]},
    "cni": {"1.9.0": ["bridge", "firewall", "host-local", "loopback", "portmap"]},
    "flannel": {"0.27.3": ["flanneld"]},
}
RECORD = {
    "kubernetes": RUNS,
    "etcd": "3.6.6",
    "containerd": "2.2.6",
    "runc": "1.4.2",
    "cni": "1.9.0",
    "flannel": "0.27.3",
}


def of_a_cluster(n: int, **changes: t.Any) -> dict[str, t.Any]:
    """Return what a host of all groups reports."""
    etcd = {"name": f"k{n}", "data-dir": "/var/lib/etcd", "initial-advertise-peer-urls": f"https://192.0.2.1{n}:2380"}
    flags = {
        "etcd": {**etcd, "initial-cluster-token": "kubernetes-etcd"},
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
        "kubelet": {"hostname-override": f"k{n}"},
        "flanneld": {"kube-subnet-mgr": "true"},
    }
    api = {"coredns": "1.13.0", "dns_address": "10.96.0.10"}
    found = {"versions": VERSIONS, "active": list(VERSIONS), "flags": flags, "etcd_data": True, "stored": STORED}
    return running(**{**found, "api": api, "records": [{"cluster": "kubernetes", "versions": RECORD}], **changes})


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site whose hosts run a cluster."""
    made = Site(repository, tmp_path)
    made.running |= {f"192.0.2.1{n}": of_a_cluster(n) for n in (1, 2, 3)}
    # A download would fail at once.
    made.variables["cluster_mirror_url"] = "http://127.0.0.1:9"
    del made.variables["cluster_binary_dir"]
    return made


def run(site: Site, *arguments: str, **settings: t.Any) -> str:
    """Run; return the output."""
    result = site.run("-e", json.dumps(settings), *arguments)
    assert result.returncode != 0
    return " ".join(result.stdout.split())


def test_a_newer_collection_upgrades_nothing_and_downloads_nothing(site: Site) -> None:
    said = run(site)
    # The first task that may change something is where this test's hosts end.
    assert len(site.touched()) == 3, said
    assert "touched by" in said and "Remedy" not in said


def test_the_running_version_is_downloaded(site: Site) -> None:
    site.running["192.0.2.12"]["stored"] = {}
    said = run(site)
    assert site.touched() == []
    for words in (
        f"kubernetes {RUNS} (amd64)",
        "cluster_artifact_digests",
        "etcd 3.6.6",
        "containerd 2.2.6",
        "runc 1.4.2",
    ):
        assert words in said, said
    for words in ("cni 1.9.0", "flannel 0.27.3"):
        assert words in said, said


def test_refused_versions_are_reported_at_once(site: Site) -> None:
    components = {"etcd": "3.6.5", "containerd": "2.3.4", "flannel": "0.26.0", "coredns": "1.12.1"}
    said = run(site, cluster_kubernetes_version="1.36.2", cluster_component_versions=components)
    assert site.touched() == []
    for words in (
        f"the cluster runs {RUNS}, this inventory asks for 1.36.2: run upgrade.yml -e to=1.36.2, "
        f"or set cluster_kubernetes_version: {RUNS}",
        "etcd: the cluster runs 3.6.6, this inventory asks for 3.6.5, which is older",
        "containerd: the cluster runs 2.2.6, this inventory asks for 2.3.4: run site.yml",
        "flannel: the cluster runs 0.27.3, this inventory asks for 0.26.0, which is older",
        "coredns: the cluster runs 1.13.0, this inventory asks for 1.12.1, which is older",
    ):
        assert words in said, said


def test_settings_that_cannot_change_are_reported_at_once(site: Site) -> None:
    asked: dict[str, t.Any] = {
        "cluster_service_cidr": "10.97.0.0/16",
        "cluster_pod_cidr": "10.200.0.0/16",
        "cluster_domain": "k8s.example.org",
        "cluster_name": "other",
        "etcd_data_dir": "/srv/etcd",
        "flannel_store": "etcd",
        "master_node_cidr_mask_size": 25,
    }
    said = run(site, **asked)
    assert site.touched() == []
    for variable, value in asked.items():
        found = said.partition(f"{variable}: ")[2]
        assert f"the inventory asks for {value}; it cannot be changed on a running cluster; set it back" in found, said


def test_an_upgrade_to_the_next_minor_runs_where_it_is_allowed(site: Site) -> None:
    said = run(site, "-e", "cluster_allow_minor_upgrade=true", cluster_kubernetes_version="1.36.2")
    assert "this inventory asks for 1.36.2: run upgrade.yml" in said and site.touched() == []
    # Set by the playbook upgrade.
    said = run(site, "-e", "{_node_upgrade: true}", cluster_kubernetes_version="1.36.2")
    assert "this inventory asks for" not in said
    # As far as the download, of this alone: other components stay.
    assert "kubernetes 1.36.2 (amd64)" in said and "etcd 3.6.6" not in said


@pytest.fixture
def grown(site: Site) -> Site:
    """Return a site with a new node and a limit without masters; the first of them is down."""
    site.groups["node"]["k4"] = {"ansible_host": "192.0.2.14"}
    site.facts |= {"192.0.2.14": facts("192.0.2.14"), "192.0.2.11": None}
    return site


def test_a_new_node_gets_what_the_cluster_runs(grown: Site) -> None:
    said = run(grown, "--limit", "k4")
    for words in (f"kubernetes {RUNS} (amd64)", "containerd 2.2.6", "runc 1.4.2", "cni 1.9.0", "flannel 0.27.3"):
        assert words in said, said
    # Nothing for hosts outside of the limit, of which one master that answers was read, and no other host.
    assert "etcd 3.6.6" not in said
    read = [line.split()[0] for line in grown.asked() if line.endswith(".running_info")]
    assert read == ["192.0.2.11", "192.0.2.12"]


def test_a_master_within_the_limit_reports_the_versions(grown: Site) -> None:
    said = run(grown, "--limit", "k2,k4")
    assert f"kubernetes {RUNS} (amd64)" in said and "answers, so what the cluster runs is unknown" not in said
    assert not [line for line in grown.asked() if line.endswith(".running_info")]


def test_no_kubelet_is_upgraded_before_the_masters(grown: Site) -> None:
    said = run(grown, "--limit", "k4", "-e", "{_node_upgrade: true}", cluster_kubernetes_version="1.36.2")
    assert grown.touched() == []
    assert f"kubelet 1.36.2 on k4 would be newer than the API server {RUNS} of k2" in said, said


def test_no_node_joins_a_cluster_whose_masters_do_not_answer(grown: Site) -> None:
    grown.facts |= {f"192.0.2.1{n}": None for n in (1, 2, 3)}
    said = run(grown, "--limit", "k4")
    assert grown.touched() == []
    assert "no control-plane host of k1, k2, k3 answers" in said, said
