# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions a running cluster keeps, and which upgrades are allowed or refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import versions

SUPPORTED = ["1.34", "1.35", "1.36"]
MASTER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("containerd", "kubelet", "kube-proxy", "flanneld")


def report(version: str = "", programs: tuple[str, ...] = (), *, down: bool = False, **changes: Any) -> dict[str, Any]:
    """Return what a host with these programs reports; those of Kubernetes have this version."""
    others = {"etcd": "3.6.14", "containerd": "2.2.7", "flanneld": "0.27.4"}
    versions = {program: others.get(program, version) for program in programs}
    if "containerd" in programs:
        versions |= {"runc": "1.4.3", "cni": "1.9.1", "pause": "3.10.2"}
    found = {
        "versions": {**versions, **changes.pop("versions", {})},
        "active": [] if down else list(programs),
        "records": [],
        "stored": {},
        "api": None,
        "servers": {},
    }
    return {**found, **changes}


def cluster(masters: list[str], nodes: list[str] = [], **elsewhere: Any) -> dict[str, Any]:  # noqa: B006
    """Return the summary of a cluster with these versions, m1 m2 … and n1 n2 …."""
    reports = {f"m{n}": report(version, MASTER) for n, version in enumerate(masters, 1)}
    reports |= {f"n{n}": report(version, NODE) for n, version in enumerate(nodes, 1)}
    return versions.summary(reports, elsewhere, {})


def refusals(
    found: dict[str, Any], kubernetes: str = "", *, allow: bool = False, nodes: tuple[str, ...] = (), **components: str
) -> list[str]:
    """Return the reasons against going there; components that are not specified stay."""
    wanted = {**found["versions"], **({"kubernetes": kubernetes} if kubernetes else {}), **components}
    return versions.problems(found, wanted, allow_minor=allow, upgrade=allow, supported=SUPPORTED, nodes=nodes)


STAY = {"former": "1.35.6", "nodes": "1.35.6"}
SOAKS = {**STAY, "emulated": "1.35"}


def going(found: dict[str, Any], kubernetes: str, state: dict[str, str], **how: bool) -> list[str]:
    """Return the reasons against a version of a cluster whose nodes stay behind."""
    return versions.problems(
        {**found, "upgrade": state},
        {**found["versions"], "kubernetes": kubernetes},
        allow_minor=False,
        supported=SUPPORTED,
        nodes=("n1",),
        node_version=min(state.get("nodes") or kubernetes, kubernetes),
        **how,
    )


def test_nodes_that_stay_behind_are_compared_with_their_own_version() -> None:
    behind = cluster(["1.36.2"], ["1.35.6", "1.35.5"])
    assert going(behind, "1.36.2", STAY) == going(behind, "1.36.3", STAY) == []
    assert "finish it: run upgrade.yml" in going(behind, "1.36.2", {})[0]
    assert "a downgrade is not possible" in going(behind, "1.35.6", STAY)[0]
    (line,) = going(cluster(["1.36.2"], ["1.35.6", "1.36.2"]), "1.36.2", STAY)
    assert line.startswith("nodes n2: run 1.36.2, and the cluster record keeps nodes at 1.35.6")
    assert going(cluster(["1.36.2"], ["1.35.6", "1.36.2"]), "1.36.2", STAY, upgrade=True) == []
    assert "an upgrade did not come to its end" in going(cluster(["1.36.2", "1.35.6"], ["1.35.6"]), "1.36.2", SOAKS)[0]


def test_nodes_that_stayed_two_minors_behind_follow_in_one_step() -> None:
    behind = cluster(["1.36.2", "1.36.2"], ["1.34.9", "1.36.2"])
    assert going(behind, "1.36.2", {}, upgrade=True) == []
    assert "no minor may be skipped" in going(behind, "1.36.2", {})[0], "only the playbook upgrade drains them"
    assert "no minor may be skipped" in going(cluster(["1.36.2", "1.34.9"], ["1.34.9"]), "1.36.2", {}, upgrade=True)[0]
    newer = cluster(["1.36.2"], ["1.34.9", "1.37.0"])
    assert "a downgrade is not possible" in going(newer, "1.36.2", {}, upgrade=True)[0]


def test_only_api_servers_that_soak_go_back_and_after_their_nodes() -> None:
    behind = cluster(["1.36.2", "1.35.6"], ["1.35.6"])
    assert going(behind, "1.35.6", SOAKS, rollback=True, upgrade=True) == []
    assert "a downgrade is not possible" in going(behind, "1.35.6", STAY, rollback=True, upgrade=True)[0]
    assert "a downgrade is not possible" in going(behind, "1.34.8", SOAKS, rollback=True, upgrade=True)[0]
    (line,) = going(cluster(["1.36.2"], ["1.36.2"]), "1.35.6", SOAKS, rollback=True, upgrade=True)
    assert line.startswith("nodes n1: newer than 1.35.6, to which the API servers go back")


def test_binaries_of_nodes_that_stay_behind_are_downloaded_in_their_version() -> None:
    had = {"kubernetes": {"master": {"1.36.2": versions.KUBERNETES["master"]}, "node": {"1.36.2": []}}}
    masters = {"name": "kubernetes", "version": "1.36.2", "binaries": versions.KUBERNETES["master"]}
    nodes = {"name": "kubernetes", "version": "1.35.6", "binaries": versions.KUBERNETES["node"]}
    assert versions.to_download([masters, nodes], had) == [nodes]


def test_running_versions_stay_where_nothing_is_set() -> None:
    found = cluster(["1.35.6"], ["1.35.6", "1.35.6"])
    assert found["versions"] == {
        "kubernetes": "1.35.6",
        "etcd": "3.6.14",
        "containerd": "2.2.7",
        "runc": "1.4.3",
        "cni": "1.9.1",
        "pause": "3.10.2",
        "flannel": "0.27.4",
    }
    assert refusals(found) == []


def test_a_new_cluster_gets_the_default_versions() -> None:
    found = versions.summary({"k1": report(), "k2": report()}, {}, {})
    assert found["versions"] == {}
    assert refusals(found, "1.36.2", etcd="3.6.14") == []


def test_an_upgrade_to_a_newer_patch_is_allowed() -> None:
    assert refusals(cluster(["1.35.5"], ["1.35.5"]), "1.35.6", etcd="3.6.15", flannel="0.27.5") == []


def test_another_minor_is_refused_with_the_remedy() -> None:
    (line,) = refusals(cluster(["1.35.6"], ["1.35.6"]), "1.36.2")
    assert line == (
        "the cluster runs 1.35.6, this inventory asks for 1.36.2: run upgrade.yml -e to=1.36.2, "
        "or set cluster_kubernetes_version: 1.35.6"
    )


def test_the_next_minor_is_allowed_where_it_is_confirmed() -> None:
    found = cluster(["1.35.6", "1.35.6"], ["1.35.6"])
    assert refusals(found, "1.36.2", allow=True) == []
    wanted = {**found["versions"], "kubernetes": "1.36.2"}
    (line,) = versions.problems(found, wanted, allow_minor=True, supported=SUPPORTED)
    assert "run upgrade.yml -e to=1.36.2" in line


@pytest.mark.parametrize("allow", [False, True])
def test_no_minor_is_skipped(allow: bool) -> None:
    (line,) = refusals(cluster(["1.34.9"], ["1.34.9"]), "1.36.2", allow=allow)
    assert "the cluster runs 1.34.9, this inventory asks for 1.36.2, and no minor may be skipped" in line
    assert "run upgrade.yml -e to=1.36.2, which takes one minor after the other" in line


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("wanted", ["1.36.1", "1.35.9", "1.36.2-rc.1"])
def test_a_downgrade_is_refused(wanted: str, allow: bool) -> None:
    (line,) = refusals(cluster(["1.36.2"], ["1.36.2"]), wanted, allow=allow)
    assert line.startswith(f"the cluster runs 1.36.2, this inventory asks for {wanted}, which is older")
    assert line.endswith("set cluster_kubernetes_version: 1.36.2")


def test_an_interrupted_upgrade_is_continued_without_confirmation() -> None:
    found = cluster(["1.36.2", "1.35.6", "1.35.6"], ["1.35.6"])
    assert found["versions"]["kubernetes"] == "1.36.2"
    (line,) = refusals(found)
    assert "runs 1.35.6 (m2, m3, n1) and 1.36.2 (m1)" in line
    assert "did not come to its end; finish it: run upgrade.yml -e to=1.36.2" in line
    assert refusals(found, allow=True) == []
    # A master that does not start with the new version is repaired by site.
    assert versions.problems(found, found["versions"], allow_minor=True, supported=SUPPORTED) == []
    (line,) = refusals(found, "1.35.6", allow=True)
    assert "which is older" in line


def test_an_interrupted_patch_upgrade_is_continued() -> None:
    found = cluster(["1.35.6", "1.35.5"], ["1.35.5"])
    assert found["versions"]["kubernetes"] == "1.35.6"
    assert refusals(found) == []


def test_nodes_with_an_older_minor_are_not_upgraded_silently() -> None:
    found = cluster(["1.35.6"], ["1.35.6", "1.34.9"])
    (line,) = refusals(found)
    assert "1.34.9 (n2) and 1.35.6" in line and "run upgrade.yml -e to=1.35.6" in line


def test_a_stopped_kubelet_does_not_block_an_upgrade() -> None:
    reports = {"m1": report("1.35.6", MASTER), "n1": report("1.34.9", NODE, down=True)}
    assert refusals(versions.summary(reports, {}, {})) == []


def test_a_stopped_control_plane_counts_by_its_files() -> None:
    reports = {"m1": report("1.35.6", MASTER, down=True)}
    found = versions.summary(reports, {}, {})
    assert found["versions"]["kubernetes"] == "1.35.6"
    assert len(refusals(found, "1.36.2")) == 1


def test_a_new_node_gets_what_the_cluster_runs() -> None:
    record = {"kubernetes": "1.35.5", "containerd": "2.1.9", "flannel": "0.26.1", "coredns": "1.13.1"}
    master = report("1.35.6", MASTER, records=[{"cluster": "", "versions": record}])
    found = versions.summary({"n9": report()}, {"m1": master}, {})
    assert found["versions"] == {
        "kubernetes": "1.35.6",
        "etcd": "3.6.14",
        "containerd": "2.1.9",
        "flannel": "0.26.1",
        "coredns": "1.13.1",
    }
    assert refusals(found, nodes=("n9",)) == []


RECORDED = {
    "kubernetes": "1.35.6",
    "etcd": "3.6.8",
    "containerd": "2.1.9",
    "runc": "1.3.6",
    "cni": "1.8.0",
    "pause": "3.10.1",
    "flannel": "0.26.1",
    "coredns": "1.13.1",
}


def recorded(cluster: str = "prod", **versions: str) -> dict[str, Any]:
    """Return a cluster record."""
    return {"cluster": cluster, "versions": {**RECORDED, **versions}}


def test_a_cluster_without_binaries_keeps_the_recorded_versions() -> None:
    reports = {"m1": report(records=[recorded()]), "n1": report()}
    found = versions.summary(reports, {}, {}, "prod")
    assert found["versions"] == RECORDED
    assert refusals(found) == []
    (line,) = refusals(found, "1.36.2")
    assert line.startswith("the cluster runs 1.35.6, this inventory asks for 1.36.2: run upgrade.yml")
    (line,) = refusals(found, etcd="3.7.0")
    assert "etcd: the cluster runs 3.6.8" in line


def test_what_runs_counts_before_the_record() -> None:
    reports = {"m1": report("1.36.2", MASTER, records=[recorded()]), "n1": report("1.36.2", NODE)}
    found = versions.summary(reports, {}, {}, "prod")
    assert found["versions"] == {
        **RECORDED,
        "kubernetes": "1.36.2",
        "etcd": "3.6.14",
        "containerd": "2.2.7",
        "runc": "1.4.3",
        "cni": "1.9.1",
        "pause": "3.10.2",
        "flannel": "0.27.4",
    }
    assert found["runs"]["kubernetes"] == {"1.36.2": ["m1", "n1"]}


def test_masters_that_were_upgraded_before_they_were_lost_are_not_downgraded_to_their_nodes() -> None:
    reports = {"m1": report(records=[recorded(kubernetes="1.36.2")]), "n1": report("1.35.6", NODE)}
    found = versions.summary(reports, {}, {}, "prod")
    assert found["versions"]["kubernetes"] == "1.36.2"
    (line,) = refusals(found)
    assert "runs 1.35.6 (n1) and 1.36.2 (the cluster record)" in line and "did not come to its end" in line


def test_of_several_records_the_newest_version_counts() -> None:
    """A host was down during an upgrade; another run began one and did not end it."""
    old, intended = recorded(), {"cluster": "", "versions": {"containerd": "2.2.7"}}
    reports = {"m1": report(records=[recorded(runc="1.4.3"), intended]), "m2": report(records=[old])}
    found = versions.summary(reports, {"m3": report(records=[recorded(coredns="1.9.4")])}, {}, "prod")
    assert found["versions"] == {**RECORDED, "runc": "1.4.3", "containerd": "2.2.7"}


def test_the_record_of_another_cluster_is_not_used() -> None:
    found = versions.summary({"m1": report(records=[recorded("staging")])}, {}, {}, "prod")
    assert (found["versions"], found["runs"]) == ({}, {})


@pytest.mark.parametrize("wanted", ["1.35.7", "1.36.2"])
def test_no_kubelet_becomes_newer_than_an_api_server(wanted: str) -> None:
    found = versions.summary({"n9": report()}, {"m1": report("1.35.6", MASTER)}, {})
    (line,) = refusals(found, wanted, allow=True, nodes=("n9",))
    assert f"kubelet {wanted} on n9 would be newer than the API server 1.35.6 of m1" in line
    assert "without --limit" in line and line.endswith("set cluster_kubernetes_version: 1.35.6")


def test_api_servers_outside_of_the_limit_are_queried_by_those_inside() -> None:
    servers = {"https://192.0.2.12:6443": "1.35.6", "https://192.0.2.13:6443": ""}
    reports = {"m1": report("1.35.6", MASTER, servers=servers)}
    found = versions.summary(reports, {}, {"https://192.0.2.12:6443": "m2", "https://192.0.2.13:6443": "m3"})
    assert found["behind"] == {"1.35.6": ["m2"]}
    assert refusals(found, "1.36.2", allow=True) == []
    (line,) = refusals(found, "1.36.2", allow=True, nodes=("m1",))
    assert "API server 1.35.6 of m2" in line


def test_a_minor_that_is_no_longer_supported() -> None:
    (line,) = refusals(cluster(["1.33.4"]))
    assert "runs 1.33.4" in line and "knows 1.34, 1.35, 1.36 alone" in line


@pytest.mark.parametrize(
    ("component", "wanted", "words"),
    [
        ("etcd", "3.6.8", "etcd: the cluster runs 3.6.14, this inventory asks for 3.6.8, which is older"),
        ("etcd", "3.8.0", "no minor may be skipped: bring it to a release of 3.7 first"),
        (
            "etcd",
            "3.7.0",
            "run site.yml -e cluster_allow_minor_upgrade=true, or set cluster_component_versions.etcd: 3.6.14",
        ),
        ("etcd", "4.0.0", "no minor may be skipped"),
        ("containerd", "2.1.9", "containerd: the cluster runs 2.2.7, this inventory asks for 2.1.9, which is older"),
        ("containerd", "2.3.4", "run site.yml -e cluster_allow_minor_upgrade=true"),
        ("runc", "1.3.6", "runc: the cluster runs 1.4.3"),
        ("cni", "1.8.0", "cni: the cluster runs 1.9.1"),
        ("flannel", "0.26.9", "flannel: the cluster runs 0.27.4"),
    ],
)
def test_the_same_rules_apply_to_components(component: str, wanted: str, words: str) -> None:
    (line,) = refusals(cluster(["1.36.2"], ["1.36.2"]), **{component: wanted})
    assert words in line


def test_the_version_of_coredns_comes_from_the_api() -> None:
    found = versions.summary({"m1": report("1.36.2", MASTER, api={"coredns": "1.14.2", "dns_address": ""})}, {}, {})
    assert found["versions"]["coredns"] == "1.14.2"
    (line,) = refusals(found, coredns="1.13.1")
    assert line.startswith("coredns: the cluster runs 1.14.2")


@pytest.mark.parametrize(("runs", "refused"), [("3.5.25", True), ("3.5.26", False)])
def test_etcd_36_needs_a_recent_35(runs: str, refused: bool) -> None:
    found = versions.summary({"m1": report("1.36.2", MASTER, versions={"etcd": runs})}, {}, {})
    lines = refusals(found, allow=True, etcd="3.6.14")
    assert [line for line in lines if "bring it to 3.5.26 or a later 3.5 first" in line] if refused else not lines


def test_several_refusals_are_reported_at_once() -> None:
    assert len(refusals(cluster(["1.35.6"], ["1.35.6"]), "1.36.2", etcd="3.5.0", runc="1.5.0")) == 3


def test_an_invalid_version_is_not_compared() -> None:
    found = versions.summary({"m1": report("own-build", MASTER)}, {}, {})
    assert found["versions"]["kubernetes"] == "own-build"
    assert refusals(found, "1.36.2") == []


COMPONENTS = [
    {"name": "etcd", "version": "3.6.14", "binaries": ["etcd", "etcdctl"]},
    {"name": "kubernetes", "version": "1.35.6", "binaries": ["kubectl", "kubelet", "kube-proxy"]},
    {"name": "runc", "version": "1.4.3", "binaries": ["runc"]},
]
MASTERS = list(versions.KUBERNETES["master"])


def lacking(reports: dict[str, Any], **groups: list[str]) -> list[str]:
    """Return the names of the components that a host is missing."""
    return [str(one["name"]) for one in versions.to_download(COMPONENTS, versions.complete(reports, groups))]


def test_versions_that_all_hosts_have_need_no_download() -> None:
    stored = {"etcd": {"3.6.14": ["etcd", "etcdctl"]}, "kubernetes": {"1.35.6": MASTERS}}
    node = {"runc": {"1.4.3": ["runc"]}, "kubernetes": {"1.35.6": ["kube-proxy", "kubelet"]}}
    groups = {"etcd": ["m1"], "master": ["m1"], "node": ["n1", "n2"]}
    reports = {"m1": report(stored=stored), "n1": report(stored=node)}
    assert lacking(reports, **groups) == []
    # One of them has another version, one is incomplete, one has nothing.
    reports["n2"] = report(stored={**node, "runc": {"1.4.2": ["runc"]}})
    assert lacking(reports, **groups) == ["runc"]
    reports["n2"] = report(stored={**node, "kubernetes": {"1.35.6": ["kubelet"]}})
    assert lacking(reports, **groups) == ["kubernetes"]
    reports["n2"] = report()
    assert lacking(reports, **groups) == ["kubernetes", "runc"]


def test_components_that_no_host_of_the_play_needs_are_not_downloaded() -> None:
    assert lacking({"n1": report()}, etcd=["m1"], master=["m1"], node=["n1"]) == ["kubernetes", "runc"]
