# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of a running cluster, and to which others it may change. No I/O."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

# The report of module running_info by inventory name.
Reports = Mapping[str, Mapping[str, t.Any]]
# Hosts by version.
Runs = dict[str, list[str]]

VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-(.+))?")
# The program with a component's version, and the one whose process shows that it is in use.
TOLD_BY = {
    "etcd": ("etcd", "etcd"),
    "containerd": ("containerd", "containerd"),
    "runc": ("runc", "containerd"),
    "cni": ("cni", "containerd"),
    "pause": ("pause", "containerd"),
    "flannel": ("flanneld", "flanneld"),
}
COMPONENTS = ("etcd", "containerd", "runc", "cni", "flannel", "coredns")
# Components whose data or configuration formats depend on the minor.
ONE_MINOR_AT_A_TIME = ("kubernetes", "etcd")
# The first 3.5 release that prepares the member list of an old cluster for 3.6 (etcd upgrade guide).
ETCD_BEFORE_36 = "3.5.26"
# In place of a host, for versions that no host reports.
RECORD = "the cluster record"
ALLOW = "-e cluster_allow_minor_upgrade=true"

# The binaries that a host of a group needs; for other components, all of them.
KUBERNETES = {
    "master": ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    "node": ("kubelet", "kube-proxy"),
}
GROUP = {"etcd": "etcd", "containerd": "node", "runc": "node", "cni": "node", "flannel": "node"}


def order(version: str) -> tuple[int, int, int, int, str]:
    """Return the sort key of a version; invalid versions come first."""
    found = VERSION.fullmatch(version)
    if not found:
        return (-1, 0, 0, 0, version)
    major, minor, patch, early = found.groups()
    return (int(major), int(minor), int(patch or 0), 0 if early else 1, early or "")


def minor(version: str) -> tuple[int, int]:
    """Return major and minor number."""
    return order(version)[:2]


def summary(reports: Reports, elsewhere: Reports, addresses: Mapping[str, str], name: str = "") -> dict[str, t.Any]:
    """Return the running versions of the cluster, from the reports of hosts inside and outside of the play.

    addresses are the hosts by URL of the API servers that the reports' hosts have asked; name is that of the cluster.
    ``versions`` is the pin: what an inventory that sets nothing gets. ``runs`` are versions with hosts, by component;
    ``masters`` and ``behind`` are those of the API servers, of all known and of those outside of the play, ``nodes``
    those of the nodes.

    What runs counts. Where nothing reports a component, what was recorded does: a cluster that is down, or has lost its
    binaries, comes back with the versions that it had.
    """
    everywhere = {**elsewhere, **reports}
    asked = {addresses.get(url, url): v for report in everywhere.values() for url, v in report["servers"].items() if v}
    outside = {**asked, **{h: v for h in elsewhere if (v := elsewhere[h]["versions"].get("kube-apiserver"))}}
    outside = {host: version for host, version in outside.items() if host not in reports}
    masters = grouped({**outside, **_of(reports, "kube-apiserver")})
    kubelets = [_of(reports, program, running=program) for program in ("kube-proxy", "kubelet")]
    runs = {name: grouped(_used(everywhere, *TOLD_BY[name])) for name in TOLD_BY}
    runs["kubernetes"] = merged([masters, *map(grouped, kubelets)])
    runs["coredns"] = grouped({h: report["api"]["coredns"] for h, report in everywhere.items() if report["api"]})
    recorded = _recorded(everywhere, name)
    for component in ONE_MINOR_AT_A_TIME:
        # What the API servers and etcd have stored stays, whether they run or not.
        if component in recorded and not (masters if component == "kubernetes" else runs[component]):
            runs[component] = merged([runs[component], {recorded[component]: [RECORD]}])
    pins = {name: newest(found) for name, found in runs.items() if found}
    if masters:
        pins["kubernetes"] = newest(masters)
    return {
        "versions": {**recorded, **pins},
        "runs": {name: found for name, found in runs.items() if found},
        "masters": masters,
        "behind": grouped(outside),
        "nodes": merged(map(grouped, kubelets)),
    }


def _recorded(reports: Reports, name: str) -> dict[str, str]:
    """Return the newest recorded versions by component.

    A record may be old, on a host that was down, or of a run that did not come to its end.
    """
    found: dict[str, Runs] = {}
    for report in reports.values():
        for record in report["records"]:
            if record["cluster"] in ("", name):
                for component, version in record["versions"].items():
                    found.setdefault(component, {})[version] = [RECORD]
    return {component: newest(versions) for component, versions in found.items()}


def no_cluster_yet(reports: Reports, groups: Mapping[str, Sequence[str]]) -> bool:
    """Return whether there is no cluster yet: all etcd hosts were read, none has data, and nothing runs."""
    members = groups.get("etcd") or []
    return (
        bool(members)
        and all(host in reports and not reports[host]["etcd_data"] for host in members)
        and not any(report["active"] for report in reports.values())
    )


def _of(reports: Reports, program: str, running: str = "") -> dict[str, str]:
    """Return a program's version by host; with ``running``, only of hosts where that program runs."""
    return {
        host: report["versions"][program]
        for host, report in reports.items()
        if program in report["versions"] and (not running or running in report["active"])
    }


def _used(reports: Reports, program: str, process: str) -> dict[str, str]:
    """Return a program's version by host, from its processes, or if there are none from the disks."""
    return _of(reports, program, running=process) or _of(reports, program)


def grouped(found: Mapping[str, str]) -> Runs:
    """Return hosts by version, sorted."""
    runs: Runs = {}
    for host, version in found.items():
        if version:
            runs.setdefault(version, []).append(host)
    return dict(sorted(runs.items(), key=lambda item: order(item[0])))


def merged(several: Iterable[Runs]) -> Runs:
    """Merge several groups."""
    hosts: Runs = {}
    for runs in several:
        for version, names in runs.items():
            hosts[version] = list(dict.fromkeys([*hosts.get(version, []), *names]))
    return dict(sorted(hosts.items(), key=lambda item: order(item[0])))


def newest(runs: Runs) -> str:
    """Return the newest version."""
    return max(runs, key=order)


def problems(
    cluster: Mapping[str, t.Any],
    wanted: Mapping[str, str],
    *,
    allow_minor: bool,
    upgrade: bool = False,
    rollback: bool = False,
    supported: Sequence[str],
    nodes: Collection[str] = (),
    node_version: str = "",
) -> list[str]:
    """Return why the cluster cannot change to the wanted versions; empty if it can.

    cluster is a summary, with the state of an upgrade as ``upgrade``; nodes are the hosts of the play that get a
    kubelet, node_version is its version if not that of the API servers. upgrade is for Kubernetes, whose nodes are
    drained, what allow_minor is for other components; rollback allows the minor that the API servers emulate. For
    Kubernetes, allow_minor repairs masters whose upgrade was interrupted: the playbook upgrade needs all of them.
    """
    found = []
    runs = cluster["runs"].get("kubernetes")
    if runs:
        kubernetes = str(wanted["kubernetes"])
        stays = bool(node_version) and minor(node_version) != minor(kubernetes)
        if stays:
            # The nodes are compared with their own version.
            runs = cluster.get("masters") or {newest(runs): runs[newest(runs)]}
        elif upgrade and _is_minor_of_all(cluster.get("masters") or {}, kubernetes):
            # Nodes that stayed behind follow in one step: what API servers have stored is of their own minor.
            runs = {version: hosts for version, hosts in runs.items() if minor(version) >= minor(kubernetes)}
        emulated = str((cluster.get("upgrade") or {}).get("emulated", ""))
        if rollback and emulated and minor(f"{emulated}.0") == minor(kubernetes):
            found += _left_newer(cluster["nodes"], kubernetes)
        else:
            allowed = upgrade or (allow_minor and _unfinished(runs, wanted))
            found += _problems("kubernetes", runs, kubernetes, allowed)
            found += (
                _unfinished_nodes(cluster.get("nodes") or {}, kubernetes, node_version) if stays and not upgrade else []
            )
        found += _unsupported(newest(runs), kubernetes, supported)
        found += _newer_kubelets(cluster["behind"], node_version or kubernetes, nodes)
    for name in COMPONENTS:
        if name in cluster["runs"] and name in wanted:
            found += _problems(name, cluster["runs"][name], str(wanted[name]), allow_minor)
    return found


def _unfinished(runs: Runs, wanted: Mapping[str, str]) -> bool:
    """Return whether some hosts run the wanted minor of Kubernetes already."""
    return minor(newest(runs)) == minor(str(wanted["kubernetes"]))


def _is_minor_of_all(runs: Runs, wanted: str) -> bool:
    """Return whether there are hosts, and all run the wanted minor."""
    return bool(runs) and all(minor(version) == minor(wanted) for version in runs)


def _left_newer(nodes: Runs, wanted: str) -> list[str]:
    """Return the nodes that would be newer than the API servers after a rollback."""
    newer = [host for version, hosts in nodes.items() if minor(version) > minor(wanted) for host in hosts]
    if not newer:
        return []
    return [f"nodes {_names(newer)}: newer than {wanted}, to which the API servers go back; run rollback.yml again"]


def _unfinished_nodes(nodes: Runs, wanted: str, version: str) -> list[str]:
    """Return the nodes of another minor than the one at which nodes stay: no run but an upgrade drains them."""
    other = {runs: hosts for runs, hosts in nodes.items() if minor(runs) != minor(version)}
    if not other:
        return []
    return [
        f"nodes {_names([host for hosts in other.values() for host in hosts])}: run {' and '.join(other)}, and the "
        f"cluster record keeps nodes at {version}: a rollback or an upgrade did not come to its end; finish it: run "
        f"rollback.yml, or upgrade.yml -e to={wanted}"
    ]


def _problems(component: str, runs: Runs, wanted: str, allowed: bool) -> list[str]:
    """Return why one component cannot change from the running to the wanted version; to the next minor if allowed."""
    known = [version for version in runs if VERSION.fullmatch(version)]
    if not known or not VERSION.fullmatch(wanted):
        return []
    last, first = max(known, key=order), min(known, key=order)
    variable = "cluster_kubernetes_version" if component == "kubernetes" else f"cluster_component_versions.{component}"
    what = "the cluster runs" if component == "kubernetes" else f"{component}: the cluster runs"
    way = f"upgrade.yml -e to={wanted}" if component == "kubernetes" else f"site.yml {ALLOW}"
    asks = f"{what} {_listed(runs, first, last)}, this inventory asks for {wanted}"
    if order(wanted) < order(last):
        return [f"{asks}, which is older, and a downgrade is not possible: set {variable}: {last}"]
    if minor(wanted) == minor(first):
        return []
    steps = minor(wanted)[1] - minor(first)[1] if minor(wanted)[0] == minor(first)[0] else 99
    if component in ONE_MINOR_AT_A_TIME and steps > 1:
        first_step = f"bring it to {_following(first)} first, with {ALLOW}"
        by_minors = f"run {way}, which takes one minor after the other" if component == "kubernetes" else first_step
        return [f"{asks}, and no minor may be skipped: {by_minors}, or set {variable}: {last}"]
    if component == "etcd" and minor(first) == (3, 5) and order(first) < order(ETCD_BEFORE_36):
        return [f"{asks}: bring it to {ETCD_BEFORE_36} or a later 3.5 first, or set {variable}: {last}"]
    if allowed:
        return []
    if minor(wanted) == minor(last):
        return [f"{asks}: an upgrade did not come to its end; finish it: run {way}"]
    return [f"{asks}: run {way}, or set {variable}: {last}"]


def _following(version: str) -> str:
    """Return the next minor of a version, for display."""
    major, number = minor(version)
    return f"a release of {major}.{number + 1}"


def _unsupported(runs: str, wanted: str, supported: Sequence[str]) -> list[str]:
    """Return the problem if this collection no longer supports the running version."""
    if runs != wanted or not VERSION.fullmatch(runs) or "{}.{}".format(*minor(runs)) in supported:
        return []
    return [
        f"the cluster runs {runs}, and this release of hardway.kubernetes knows {', '.join(supported)} alone: "
        "use a release that knows it too"
    ]


def _newer_kubelets(behind: Runs, wanted: str, nodes: Collection[str]) -> list[str]:
    """Return whether kubelets of the play would be newer than an API server outside of it."""
    older = {version: hosts for version, hosts in behind.items() if order(version) < order(wanted)}
    if not older or not nodes:
        return []
    way = f", or set cluster_kubernetes_version: {newest(older)}" if behind == older and len(older) == 1 else ""
    return [
        f"kubelet {wanted} on {_names(nodes)} would be newer than the API server {_listed(older, *_ends(older))} of "
        f"{_names([host for hosts in older.values() for host in hosts])}: run site.yml without --limit, which upgrades "
        f"control-plane hosts first{way}"
    ]


def _ends(runs: Runs) -> tuple[str, str]:
    """Return the oldest and the newest of versions."""
    return min(runs, key=order), newest(runs)


def _listed(runs: Runs, first: str, last: str) -> str:
    """Return versions for display; with hosts if there are two."""
    if first == last:
        return last
    return " and ".join(f"{version} ({_names(runs[version])})" for version in (first, last))


def _names(hosts: Collection[str]) -> str:
    """Return hosts for display, shortened."""
    return shortened(sorted(hosts))


def unknown(
    asked: Sequence[Mapping[str, t.Any]], answers: Reports, reports: Reports, groups: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the problem if the play has nodes, and none of the queried masters outside of it answers."""
    nodes = [host for host in reports if host in groups.get("node", ())]
    if not asked or answers or not nodes:
        return []
    return [
        f"no control-plane host of {_names([one['item'] for one in asked])} answers, so what the cluster runs is "
        f"unknown, and {_names(nodes)} cannot join; repair the connection to one of them"
    ]


def complete(reports: Reports, groups: Mapping[str, Collection[str]]) -> dict[str, t.Any]:
    """Return the binaries that all hosts of a group have, by component, group and version; no group without hosts."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    needs = [*GROUP.items(), *(("kubernetes", group) for group in KUBERNETES)]
    for component, group in needs:
        hosts = [host for host in reports if host in groups.get(group, ())]
        stored = [reports[host]["stored"].get(component, {}) for host in hosts]
        if stored:
            versions = set.intersection(*map(set, stored))
            found.setdefault(component, {})[group] = {
                version: sorted(set.intersection(*(set(one[version]) for one in stored))) for version in versions
            }
    return found


def _needed(component: Mapping[str, t.Any], group: str) -> set[str]:
    """Return the binaries of a component that a host of a group needs."""
    binaries = set(component["binaries"])
    return binaries.intersection(KUBERNETES.get(group, ())) if component["name"] == "kubernetes" else binaries


def to_download(
    components: Iterable[Mapping[str, t.Any]], had: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]
) -> list[Mapping[str, t.Any]]:
    """Return the components of which some host of the play lacks a binary."""
    return [
        component
        for component in components
        if any(
            _needed(component, group) - set(versions.get(str(component["version"]), ()))
            for group, versions in had.get(component["name"], {}).items()
        )
    ]
