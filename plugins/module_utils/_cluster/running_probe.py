# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the running components of a host with versions and settings. Read-only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import record, upgrade_state
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import running as cluster_running
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

UNIT_FILE = "/etc/systemd/system/{}.service"
LINKS = "/usr/local/bin"
CNI_LINKS = "/opt/cni/bin"
CONTAINERD_CONFIG = "/etc/containerd/config.toml"
# The versions that role master was to deploy in its last run, and the copy of the cluster record, which is written at
# the end of a run.
VERSIONS = "/etc/kubernetes/hardway-versions.json"
RECORD = "/etc/kubernetes/hardway-cluster.json"
PKI = "/etc/kubernetes/pki"
COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
DNS_SERVICE = "/api/v1/namespaces/kube-system/services/kube-dns"
CLUSTER_RECORD = f"{record.PATH}/{record.NAME}"
# For the API on this host, and for others on the same network.
PATIENCE = 3.0

Ask = Callable[[str], Optional[tuple[int, Any]]]


def read(systemd: Systemd, servers: Sequence[str]) -> dict[str, Any]:
    """Return what this host runs; what is on disk counts where systemd is not there to say more."""
    try:
        processes = {name: unit.main_pid for name, unit in systemd.show(list(cluster_running.UNITS)).items()}
    except (HardwayError, OSError):
        processes = {}
    return running(processes, servers=servers)


def running(processes: Mapping[str, int], *, servers: Sequence[str] = (), ask: Ask | None = None) -> dict[str, Any]:
    """Return what this host runs; processes are the main processes of the units, 0 where none runs."""
    ask = ask or _ask
    flags: dict[str, dict[str, str]] = {}
    versions: dict[str, str] = {}
    for program, component in cluster_running.UNITS.items():
        pid = processes.get(program, 0)
        command = _command(pid) if pid else cluster_running.exec_start(text_of(UNIT_FILE.format(program)))
        if not command:
            continue
        version = _version(component, _executables(pid, command) if pid else [os.path.join(LINKS, program)])
        if version:
            versions[program] = version
            flags[program] = cluster_running.known_flags(program, command)
    if "containerd" in versions:
        versions |= _without_units()
    master, api = "kube-apiserver" in versions, bool(processes.get("kube-apiserver"))
    answers = _asked(flags.get("kube-apiserver", {}) if api and master else {}, servers, ask)
    config = flags.get("kubelet", {}).get("config", "")
    kubelet = cluster_running.kubelet_settings(text_of(config)) if "kubelet" in flags else {}
    return {
        "versions": versions,
        "active": sorted(program for program in versions if processes.get(program)),
        "flags": flags,
        "kubelet": kubelet,
        "etcd_data": _has_data(flags.get("etcd", {})),
        "records": [*_records(master), *answers.pop("records")],
        "stored": _stored(),
        **answers,
    }


def _command(pid: int) -> list[str]:
    """Return the command line of a process."""
    return text_of(f"/proc/{pid}/cmdline").rstrip("\0").split("\0")


def _executables(pid: int, command: Sequence[str]) -> list[str]:
    """Return where a process may have been started from; of a script its interpreter is what runs."""
    words = [word for word in command[:4] if word.startswith("/")]
    try:
        return [os.readlink(f"/proc/{pid}/exe"), *words]
    except OSError:
        return words


def _version(component: str, paths: Sequence[str]) -> str:
    """Return the version of the first of these that module artifact has installed for the component."""
    for path in paths:
        found, version = cluster_running.placed(path if path.endswith(" (deleted)") else os.path.realpath(path))
        if found == component:
            return version
    return ""


def _without_units() -> dict[str, str]:
    """Return the versions of what containerd starts."""
    plugins = [os.path.join(CNI_LINKS, name) for name in _names(CNI_LINKS)]
    found = {
        "runc": _version("runc", [os.path.join(LINKS, "runc")]),
        "cni": _version("cni", plugins),
        "pause": cluster_running.pause_version(text_of(CONTAINERD_CONFIG)),
    }
    return {name: version for name, version in found.items() if version}


def _has_data(flags: Mapping[str, str]) -> bool:
    """Return whether a member of etcd has data here."""
    place = flags.get("wal-dir") or os.path.join(flags.get("data-dir", "/var/lib/etcd"), "member", "wal")
    return any(name.endswith(".wal") for name in _names(place))


def _records(master: bool) -> list[dict[str, Any]]:
    """Return versions that were written down here, with the name of their cluster if it is known."""
    copy, intended = _json(RECORD), _json(VERSIONS)
    found = [_recorded(copy)] if copy else []
    return [*found, _recorded({"versions": intended})] if intended and (master or copy) else found


def _recorded(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return name, versions, the state of an upgrade and the pod network in a cluster record."""
    versions, state = content.get("versions"), upgrade_state.valid(content.get("upgrade"))
    networks = content.get("networks")
    cni = str(networks.get("cni", "")) if isinstance(networks, dict) else ""
    return {
        "cluster": str(content.get("name", "")),
        "versions": {str(name): str(version) for name, version in versions.items()}
        if isinstance(versions, dict)
        else {},
        **({"upgrade": state} if state else {}),
        **({"cni": cni} if cni else {}),
    }


def _json(path: str) -> dict[str, Any]:
    """Return the content of a file; empty if there is none that can be read."""
    try:
        found = json.loads(text_of(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _stored() -> dict[str, dict[str, list[str]]]:
    """Return the installed binaries by component and name of their directory, which is the version for downloads."""
    return {
        component: {label: _names(os.path.join(cluster_running.ROOT, component, label)) for label in labels}
        for component in _names(cluster_running.ROOT)
        if (labels := _names(os.path.join(cluster_running.ROOT, component)))
    }


def _asked(flags: Mapping[str, str], servers: Sequence[str], ask: Ask) -> dict[str, Any]:
    """Return what the API server of this host says of the cluster, and the versions of the other ones."""
    own = ""
    if flags:
        address = flags.get("bind-address", "127.0.0.1")
        own = f"https://{f'[{address}]' if ':' in address else address}:{flags.get('secure-port', '6443')}"
    wanted = [own + COREDNS, own + DNS_SERVICE, own + CLUSTER_RECORD] if own else []
    wanted += [f"{server}/version" for server in servers]
    if not wanted:
        return {"api": None, "records": [], "servers": {}}
    answers = dict(zip(wanted, map_concurrently(ask, wanted)))
    versions = {server: answers[f"{server}/version"] for server in servers}
    return {
        "api": _api(answers[own + COREDNS], answers[own + DNS_SERVICE]) if own else None,
        "records": [{**_recorded(record.parsed(found[1])), "live": True}]
        if (found := answers.get(own + CLUSTER_RECORD)) and found[0] == 200
        else [],
        "servers": {
            server: str(answer[1].get("gitVersion", "")).lstrip("v")
            for server, answer in versions.items()
            if answer and answer[0] == 200
        },
    }


def _api(coredns: Optional[tuple[int, Any]], service: Optional[tuple[int, Any]]) -> Optional[dict[str, str]]:
    """Return version and address of the cluster's DNS; None where the API gave no answer."""
    if coredns is None or service is None or {coredns[0], service[0]} - {200, 404}:
        return None
    return {
        "coredns": cluster_running.coredns_version(coredns[1]) if coredns[0] == 200 else "",
        "dns_address": str((service[1].get("spec") or {}).get("clusterIP", "")) if service[0] == 200 else "",
    }


def _ask(url: str) -> Optional[tuple[int, Any]]:
    """Return status and content of the API's answer to this host's administrator; None where there is none."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._http import client

    tls = client.Tls(ca=f"{PKI}/ca.crt", cert=f"{PKI}/admin.crt", key=f"{PKI}/admin.key")
    try:
        answer = client.request(url, tls=tls, timeout=PATIENCE, headers={"Accept": "application/json"})
        content = answer.json()
    except (HardwayError, OSError, ValueError):
        return None
    return (answer.status, content) if isinstance(content, dict) else None


def _names(directory: str) -> list[str]:
    """Return the names in a directory but hidden ones; none where there is no directory."""
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except OSError:
        return []
