# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares settings that a running cluster cannot change with those of the inventory."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import address_change

# Values of roles beside cluster, where no host sets them; a test holds them against the roles' defaults.
DEFAULTS = {
    "etcd_data_dir": "/var/lib/etcd",
    "flannel_etcd_prefix": "/coreos.com/network",
    "flannel_store": "kubernetes",
    "master_node_cidr_mask_size": 24,
}
# Free-form flags and fields that go before the variables.
FREE_FORM = (
    "etcd_config",
    "etcd_initial_cluster_token",
    "flannel_args",
    "master_apiserver_args",
    "master_controller_manager_args",
    "node_kubelet_args",
    "node_kubelet_config",
)
# What is read of each host's variables.
VARIABLES = (*DEFAULTS, *FREE_FORM)
# Everything that is compared here; the reference says "refused" of exactly these.
REFUSED = (
    "cluster_api_port",
    "cluster_cni",
    "cluster_dns_address",
    "cluster_domain",
    "cluster_name",
    "cluster_node_ip",
    "cluster_node_name",
    "cluster_pod_cidr",
    "cluster_service_cidr",
    "etcd_data_dir",
    "etcd_initial_cluster_token",
    "flannel_etcd_prefix",
    "flannel_store",
    "master_node_cidr_mask_size",
)
# These may differ from host to host.
OF_A_HOST = ("cluster_node_ip", "cluster_node_name", "etcd_config", "etcd_data_dir", "node_kubelet_args")
ISSUER = "https://kubernetes.default.svc."


class Setting(t.NamedTuple):
    """One setting of one host: by which name, what runs, and what the inventory asks for."""

    variable: str
    host: str
    runs: str
    asked: str


def settings(
    host: str, report: Mapping[str, t.Any], shared: Mapping[str, t.Any], own: Mapping[str, t.Any]
) -> Iterator[Setting]:
    """Yield the settings in a host's report.

    shared are the variables that are alike on all hosts; own are those of VARIABLES that the host sets, and its
    ``name`` and ``address``.
    """
    flags: Mapping[str, Mapping[str, str]] = report["flags"]

    def compare(variable: str, program: str, flag: str, asked: t.Any, given: str) -> Iterator[Setting]:
        """Yield a flag's setting; what the free-form variable given says of it goes first."""
        runs = flags.get(program, {}).get(flag)
        over = own.get(given) or {}
        if runs is not None:
            known = isinstance(over, Mapping) and flag in over
            yield Setting(f"{given}.{flag}" if known else variable, host, runs, _text(over[flag] if known else asked))

    def value(name: str) -> t.Any:
        return DEFAULTS[name] if own.get(name) is None else own[name]

    etcd, apiserver, manager = "etcd_config", "master_apiserver_args", "master_controller_manager_args"
    yield from compare("etcd_data_dir", "etcd", "data-dir", value("etcd_data_dir"), etcd)
    # The default follows from cluster_name, which is reported by itself.
    if token := own.get("etcd_initial_cluster_token"):
        yield from compare("etcd_initial_cluster_token", "etcd", "initial-cluster-token", token, etcd)
    if "etcd" in flags:
        yield Setting(f"{etcd}.wal-dir", host, _wal_dir(flags["etcd"]), _wal_dir(own.get(etcd) or {}))
    yield from compare("cluster_node_name", "etcd", "name", own["name"], etcd)
    # A node follows another address by itself.
    used = address_change.used(flags, own)
    for address in dict.fromkeys([*used.get("etcd", ()), *used.get("kube-apiserver", ())]) if own["address"] else ():
        yield Setting("cluster_node_ip", host, address, own["address"])
    yield from compare("cluster_node_name", "kubelet", "hostname-override", own["name"], "node_kubelet_args")
    yield from compare(
        "cluster_service_cidr", "kube-apiserver", "service-cluster-ip-range", shared["service_cidr"], apiserver
    )
    yield from compare("cluster_api_port", "kube-apiserver", "secure-port", shared["api_port"], apiserver)
    yield from compare("cluster_pod_cidr", "kube-controller-manager", "cluster-cidr", shared["pod_cidr"], manager)
    yield from compare("cluster_name", "kube-controller-manager", "cluster-name", shared["name"], manager)
    mask = value("master_node_cidr_mask_size")
    yield from compare("master_node_cidr_mask_size", "kube-controller-manager", "node-cidr-mask-size", mask, manager)
    yield from _issuer(host, flags.get("kube-apiserver", {}), shared, own)
    yield from _dns(host, report, shared, own)
    yield from _cni(host, report, shared)
    if shared["cni"] == "flannel":
        yield from _flannel(host, flags.get("flanneld"), value("flannel_store"), value("flannel_etcd_prefix"))


def _wal_dir(config: Mapping[str, t.Any]) -> str:
    """Return where an etcd has its write-ahead log."""
    return _text(config.get("wal-dir") or "member/wal in the data directory")


def _issuer(
    host: str, flags: Mapping[str, str], shared: Mapping[str, t.Any], own: Mapping[str, t.Any]
) -> Iterator[Setting]:
    """Yield who issues tokens: all are refused whose issuer is no longer among those of the API servers."""
    runs = flags.get("service-account-issuer", "")
    given = (own.get("master_apiserver_args") or {}).get("service-account-issuer")
    asked = given if isinstance(given, (list, tuple)) else [given or f"{ISSUER}{_text(shared['domain'])}"]
    # Without one of the operator's own, it follows from the domain.
    if runs and (given or not runs.startswith(ISSUER)) and runs not in map(_text, asked):
        yield Setting("master_apiserver_args.service-account-issuer", host, runs, _text(asked))


def _dns(
    host: str, report: Mapping[str, t.Any], shared: Mapping[str, t.Any], own: Mapping[str, t.Any]
) -> Iterator[Setting]:
    """Yield domain and address of the cluster DNS, from any component of this host."""
    issuer = report["flags"].get("kube-apiserver", {}).get("service-account-issuer", "")
    over = own.get("node_kubelet_config") or {}
    if issuer.startswith(ISSUER) and "service-account-issuer" not in (own.get("master_apiserver_args") or {}):
        yield Setting("cluster_domain", host, issuer[len(ISSUER) :], _text(shared["domain"]))
    elif report["kubelet"].get("domain") and "clusterDomain" not in over:
        yield Setting("cluster_domain", host, report["kubelet"]["domain"], _text(shared["domain"]))
    # Of the Service alone: what kubelets give to pods may be a cache on each node.
    if report["api"] and report["api"]["dns_address"]:
        yield Setting("cluster_dns_address", host, report["api"]["dns_address"], _text(shared["dns_address"]))


def _cni(host: str, report: Mapping[str, t.Any], shared: Mapping[str, t.Any]) -> Iterator[Setting]:
    """Yield which pod network this is: the cluster record says so, and flannel by itself."""
    records = [one for one in report["records"] if one.get("cni") and one["cluster"] == str(shared["name"])]
    if records or "flanneld" in report["flags"]:
        runs = "flannel" if "flanneld" in report["flags"] else records[-1]["cni"]
        yield Setting("cluster_cni", host, runs, _text(shared["cni"]))


def _flannel(host: str, flags: t.Optional[Mapping[str, str]], store: t.Any, prefix: t.Any) -> Iterator[Setting]:
    """Yield where flannel keeps its leases."""
    if flags is None:
        return
    runs = "etcd" if "etcd-endpoints" in flags and flags.get("kube-subnet-mgr") != "true" else "kubernetes"
    yield Setting("flannel_store", host, runs, _text(store))
    if runs == "etcd" and store == "etcd" and "etcd-prefix" in flags:
        yield Setting("flannel_etcd_prefix", host, flags["etcd-prefix"], _text(prefix))


def moved(setting: Setting) -> bool:
    """Return whether the host of an etcd member has another address than the member."""
    return setting.variable == "cluster_node_ip" and not same(setting.runs, setting.asked)


def problems(found: t.Iterable[Setting]) -> list[str]:
    """Return one line for each setting that is asked to be another one than any host runs with.

    Where hosts differ, as after a change that got half-way, the way back is free, and the way on to any of theirs.
    """
    by_name: dict[str, list[Setting]] = {}
    for one in found:
        by_name.setdefault(one.variable, []).append(one)
    lines = []
    for variable, many in by_name.items():
        alike = variable.partition(".")[0] not in OF_A_HOST
        seen = {one.runs for one in many} if alike else set()
        wrong = [one for one in many if not same(one.runs, one.asked) and one.asked not in seen]
        pairs: dict[tuple[str, str], list[str]] = {}
        for one in wrong:
            pairs.setdefault((one.runs, one.asked), []).append(one.host)
        everywhere = alike and len(pairs) == 1
        for (runs, asked), hosts in pairs.items():
            who = "the cluster" if everywhere else f"{', '.join(sorted(set(hosts))[:5])}"
            remedy = f"run change_address with -e hosts={min(hosts)}, or set it back"
            if variable != "cluster_node_ip":
                remedy = "it cannot be changed on a running cluster; set it back"
            lines.append(f"{variable}: {who} runs with {runs}, the inventory asks for {asked}; {remedy}")
    return lines


def same(runs: str, asked: str) -> bool:
    """Return whether two texts mean the same: a range may be written by any of its addresses."""
    if runs == asked or runs.rstrip("/") == asked.rstrip("/"):
        return True
    try:
        return ipaddress.ip_network(runs, strict=False) == ipaddress.ip_network(asked, strict=False)
    except ValueError:
        return False


def _text(value: t.Any) -> str:
    """Return a value as a command line has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, value))
    return re.sub(r"\s+", " ", str(value)).strip()
