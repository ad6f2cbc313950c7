# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects misspelled variables and groups."""

from __future__ import annotations

import difflib
import fnmatch
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

GROUPS = ("etcd", "master", "lb", "node")
# What the groups are called elsewhere. Those of other tools may stand in the same inventory, beside ours.
MISSPELT = {
    "etcds": "etcd",
    "masters": "master",
    "lbs": "lb",
    "nodes": "node",
}
ELSEWHERE = {
    "etcd_cluster": "etcd",
    "etcd_nodes": "etcd",
    "k8s_etcd": "etcd",
    "kube_etcd": "etcd",
    "control_plane": "master",
    "control_plane_nodes": "master",
    "controlplane": "master",
    "controller": "master",
    "controllers": "master",
    "k8s_control_plane": "master",
    "k8s_master": "master",
    "k8s_masters": "master",
    "kube_control_plane": "master",
    "kube_master": "master",
    "kube_masters": "master",
    "master_nodes": "master",
    "ex_lb": "lb",
    "haproxy": "lb",
    "keepalived": "lb",
    "load_balancer": "lb",
    "load_balancers": "lb",
    "loadbalancer": "lb",
    "loadbalancers": "lb",
    "k8s_node": "node",
    "k8s_nodes": "node",
    "k8s_worker": "node",
    "k8s_workers": "node",
    "kube_node": "node",
    "kube_nodes": "node",
    "kube_worker": "node",
    "kube_workers": "node",
    "worker": "node",
    "worker_node": "node",
    "worker_nodes": "node",
    "workers": "node",
}
# Derived: no options of roles, and yet ours.
DERIVED = (
    "cluster_api_sans",
    "cluster_api_url",
    "cluster_architecture",
    "cluster_artifacts",
    "cluster_service_address",
    "cluster_versions",
)
# Of playbooks.
OTHERS = (
    "download_architectures",
    "renew_certificates",
    "renew_force",
    "rotate_until",
    "take_over",
)
# Common in the inventories of others, one letter from ours.
COMMON = ("admin_users",)
# Of kubeadm, kubespray and kubeasz, in lower case. They may stand in the same inventory, beside ours; where ours is not
# given, they would be ignored without a word.
FOREIGN = {
    "cert_expiry": "cluster_certificate_expiry",
    "cluster_cidr": "cluster_pod_cidr",
    "cluster_dns_domain": "cluster_domain",
    "cluster_version": "cluster_kubernetes_version",
    "control_plane_endpoint": "cluster_api_endpoint",
    "ex_apiserver_vip": "cluster_api_vip",
    "k8s_ver": "cluster_kubernetes_version",
    "k8s_version": "cluster_kubernetes_version",
    "kube_apiserver_port": "cluster_api_port",
    "kube_network_node_prefix": "master_node_cidr_mask_size",
    "kube_pods_subnet": "cluster_pod_cidr",
    "kube_proxy_mode": "node_kube_proxy_mode",
    "kube_service_addresses": "cluster_service_cidr",
    "kube_version": "cluster_kubernetes_version",
    "kubernetes_version": "cluster_kubernetes_version",
    "master_cert_hosts": "cluster_api_extra_sans",
    "node_cidr_len": "master_node_cidr_mask_size",
    "node_port_range": "cluster_node_port_range",
    "pod_cidr": "cluster_pod_cidr",
    "pod_network_cidr": "cluster_pod_cidr",
    "pod_subnet": "cluster_pod_cidr",
    "service_cidr": "cluster_service_cidr",
    "service_cluster_ip_range": "cluster_service_cidr",
    "service_node_port_range": "cluster_node_port_range",
    "service_subnet": "cluster_service_cidr",
    "supplementary_addresses_in_ssl_keys": "cluster_api_extra_sans",
}
# What others call the same.
SYNONYMS = {"directory": "dir", "k8s": "kubernetes", "network": "cidr", "subnet": "cidr"}
NEAR = 0.88
FIRST_WORD_NEAR = 0.8


def name_problems(
    names: t.Mapping[str, t.Sequence[str]], options: t.Iterable[str], ignored: t.Sequence[str]
) -> list[str]:
    """Return one line for each variable, given with its hosts, that is not ours but nearly is."""
    known = {*options, *OTHERS}
    words = sorted({name.partition("_")[0] for name in known})
    ours = {*known, *DERIVED}
    problems = []
    for name, hosts in sorted(names.items()):
        if name in ours or _is_ignored(name, (*COMMON, *ignored)):
            continue
        right = FOREIGN.get(name.lower())
        right = nearest(name, known, words) if right is None else right if right not in names else None
        if right:
            problems.append(
                f"{name}: no role has this variable, given for {shortened(hosts)}; did you mean {right}? "
                "If it belongs to something else, name it in cluster_ignored_names"
            )
    return problems


def nearest(name: str, known: t.Collection[str], words: t.Sequence[str]) -> str | None:
    """Return the known name of which a name is most likely a misspelling."""
    word, line, _rest = name.partition("_")
    if not word or not line or not difflib.get_close_matches(word, words, n=1, cutoff=FIRST_WORD_NEAR):
        return None
    same = "_".join(SYNONYMS.get(part, part) for part in name.split("_"))
    if same in known:
        return same
    found = difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
    return found[0] if found else None


def renamed_problems(own: t.Mapping[str, str], groups: t.Container[str], in_plays: bool) -> list[str]:
    """Return what is wrong with the names that C(cluster_groups) gives to groups.

    in_plays: whether it is an extra variable. Plays select their hosts before they know other variables.
    """
    problems = [
        f"cluster_groups: {name} is none of the groups {', '.join(GROUPS)}; use these names as keys"
        for name in own
        if name not in GROUPS
    ]
    renamed = {name: actual for name, actual in own.items() if actual != name}
    if renamed and not in_plays:
        problems.append(
            "cluster_groups: set in the inventory, but plays select their hosts before they read it; give it as an "
            "extra variable, for example in a file: -e @prod.yml"
        )
    return problems + [
        f"cluster_groups: the inventory has no group {actual}, given for {name}; correct the name"
        for name, actual in renamed.items()
        if actual not in groups
    ]


def group_problems(
    groups: t.Mapping[str, t.Sequence[str]], own: t.Mapping[str, str], ignored: t.Sequence[str]
) -> list[str]:
    """Return one line for each group whose hosts were most likely meant for one of ours.

    Not for those of ours that C(cluster_groups) renames: their names in the inventory are deliberate.
    """
    problems = []
    usual = [name for name in GROUPS if own.get(name, name) == name]
    for name, hosts in groups.items():
        right = _right_group(name, groups, usual) if name not in own.values() else None
        missing = [host for host in hosts if right and host not in groups.get(right, ())]
        if missing and not _is_ignored(name, ignored):
            problems.append(
                f"group {name}: {shortened(missing)} not in the group `{right}`; name the group `{right}`, or make it "
                f"a child of `{right}`. If it belongs to something else, name it in cluster_ignored_names"
            )
    return problems


def _right_group(name: str, groups: t.Mapping[str, t.Sequence[str]], usual: t.Sequence[str]) -> str | None:
    """Return the group that was meant: sure where it is a plural, likely where ours is empty."""
    if name in (*GROUPS, "all", "ungrouped"):
        return None
    written = name.lower().replace("-", "_")
    right = MISSPELT.get(written)
    if right is None and (found := difflib.get_close_matches(written, usual, n=1, cutoff=0.8)):
        right = found[0]
    if right is None and not groups.get(ELSEWHERE.get(written, "all")):
        right = ELSEWHERE.get(written)
    return right if right in usual else None


def idle_hosts(
    groups: t.Mapping[str, t.Sequence[str]], own: t.Mapping[str, str], ignored: t.Sequence[str]
) -> list[str]:
    """Return the hosts of the inventory that are in none of our groups; none if C(cluster_groups) renames any."""
    if any(name != actual for name, actual in own.items()):
        return []
    used = {host for name in groups if name in GROUPS or _is_ignored(name, ignored) for host in groups[name]}
    return [host for host in groups.get("all", ()) if host not in used and host not in ("localhost", "127.0.0.1")]


def _is_ignored(name: str, patterns: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
