# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a cluster of three hosts, as the modules host_status and cluster_status report them."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import Limits, State

NOW = datetime.datetime(2026, 11, 29, 3, 12, 45, tzinfo=datetime.timezone.utc)
HOSTS = ("n1", "n2", "n3")
ADDRESSES = {"n1": "192.0.2.11", "n2": "192.0.2.12", "n3": "192.0.2.13"}
VIRTUAL = "192.0.2.100"
ENDPOINT = f"https://{VIRTUAL}:6443"
UNITS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "haproxy", "keepalived"),
    *("containerd", "kubelet", "kube-proxy", "flanneld"),
)
UNREACHABLE = {
    "unreachable": True,
    "msg": "Failed to connect to the host via ssh: ssh: connect to host 192.0.2.13 port 22: Connection timed out",
}


def certificate(path: str, days: float, subject: str, **more: Any) -> dict[str, Any]:
    """Return a certificate in a file."""
    end = NOW + datetime.timedelta(days=days)
    return {
        "where": path,
        "path": path,
        "kind": "file",
        "endpoint": "",
        "used_by": [],
        "subject": [f"CN={subject}"],
        "is_ca": False,
        "fingerprint": f"{path} {subject}",
        "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days_left": days,
        "state": state_of(days),
        "served_matches": None,
        **more,
    }


def state_of(days: float) -> str:
    """Return the state of a certificate with the default limits."""
    return "expired" if days < 0 else "critical" if days < 7 else "warning" if days < 30 else "ok"


def host(name: str) -> dict[str, Any]:
    """Return what a healthy host reports."""
    pki = "/etc/kubernetes/pki"
    return {
        "units": [
            {"unit": f"{unit}.service", "state": "active (running)", "active": True, "error": "", "changed_inputs": []}
            for unit in UNITS
        ],
        "addresses": [VIRTUAL] if name == "n1" else [],
        "versions": {"etcd": "3.6.14", "containerd": "2.1.4", "kube-apiserver": "1.36.2", "kubelet": "1.36.2"},
        "certificates": [
            certificate(f"{pki}/ca.crt", 3649.9, "kubernetes", is_ca=True, fingerprint="ca"),
            certificate(f"{pki}/apiserver.crt", 364.9, "kube-apiserver", fingerprint=f"apiserver {name}"),
            certificate(
                "/var/lib/kubelet/pki/kubelet-client-current.pem",
                362.5,
                f"system:node:{name}",
                fingerprint=f"kubelet {name}",
            ),
        ],
        "backup": {
            "deployed": True,
            "last": {"time": "2026-11-29T01:00:04Z", "archive": "a.tar", "size": 20971520, "revision": 81234},
        },
        "errors": [],
    }


def member(name: str, **more: Any) -> dict[str, Any]:
    """Return a healthy etcd member."""
    address = ADDRESSES[name]
    return {
        "name": name,
        "id": f"id{name}",
        "endpoint": f"https://{address}:2379",
        "healthy": True,
        "error": "",
        "client_urls": [f"https://{address}:2379"],
        "peer_urls": [f"https://{address}:2380"],
        "leader": "idn2",
        "version": "3.6.14",
        "revision": 81234,
        "raft_index": 93211,
        "db_size": 41943040,
        "db_size_in_use": 30000000,
        "learner": False,
        "quota": 2147483648,
        **more,
    }


def node(name: str, **more: Any) -> dict[str, Any]:
    """Return a ready node."""
    return {
        "name": name,
        "ready": True,
        "reason": "",
        "version": "v1.36.2",
        "addresses": [ADDRESSES.get(name, "")],
        "unschedulable": False,
        "pressure": [],
        "awaits_network": False,
        "pod_cidr": "",
        "flannel": {"public_ip": ADDRESSES.get(name, "192.0.2.99"), "backend": "vxlan"},
        **more,
    }


def lease(name: str, holder: str, **more: Any) -> dict[str, Any]:
    """Return the lease of a leader."""
    return {"name": name, "holder": f"{holder}_5e6c-77", "age": 1.2, "held": True, **more}


def cluster() -> dict[str, Any]:
    """Return what a healthy cluster reports."""
    return {
        "servers": [
            {"url": f"https://{ADDRESSES[name]}:6443", "ready": True, "version": "1.36.2", "reason": ""}
            for name in HOSTS
        ],
        "endpoint": {"url": ENDPOINT, "ready": True, "version": "1.36.2", "reason": ""},
        "api_error": "",
        "leaders": [lease("kube-controller-manager", "n1"), lease("kube-scheduler", "n3")],
        "operation": {},
        "record": {},
        "coredns": "1.14.2",
        "pending_csrs": [],
        "nodes": [node(name) for name in HOSTS],
        "etcd": {
            "members": [member(name) for name in HOSTS],
            "leaders": ["idn2"],
            "leader": "n2",
            "alarms": [],
            "listed": True,
            "errors": [],
        },
    }


def inventory(**more: Any) -> dict[str, Any]:
    """Return the inventory of three hosts that carry everything."""
    every = [{"host": name, "name": name, "address": ADDRESSES[name], "reached": True} for name in HOSTS]
    groups = dict.fromkeys(("etcd", "masters", "nodes", "lb"), every)
    return {"name": "prod", "api_port": 6443, "addresses": [VIRTUAL], **groups, **more}


def healthy() -> State:
    """Return a cluster without a problem."""
    return State(inventory(), {name: host(name) for name in HOSTS}, cluster(), NOW, Limits())


def changed(state: State, **more: Any) -> State:
    """Return a deep copy of a state with other parts."""
    return State(**{**copy.deepcopy(vars(state)), **more})


def dead_host() -> State:
    """Return a cluster of which one host has lost its power."""
    state = changed(healthy())
    hosts, found = dict(state.hosts), dict(state.cluster)
    hosts["n3"] = UNREACHABLE
    found["servers"][2].update(ready=False, version="", reason="does not answer")
    found["nodes"][2].update(ready=False, reason="Kubelet stopped posting node status.")
    found["leaders"][1] = lease("kube-scheduler", "n1")
    lost = {"healthy": False, "error": "does not answer", "version": "", "leader": "", "revision": 0, "raft_index": 0}
    found["etcd"]["members"][2].update(**lost, db_size=0, db_size_in_use=0, quota=0)
    return changed(state, hosts=hosts, cluster=found)


def dead_api() -> State:
    """Return a cluster without API servers, whose etcd works."""
    state = changed(healthy())
    found = {name: state.cluster[name] for name in ("servers", "endpoint", "etcd")}
    for server in found["servers"]:
        server.update(ready=False, version="", reason="refuses connections")
    found["endpoint"].update(ready=False, version="", reason="answers with status 503")
    hosts = dict(state.hosts)
    for name in HOSTS:
        unit = next(unit for unit in hosts[name]["units"] if unit["unit"] == "kube-apiserver.service")
        unit.update(state="inactive (dead)", active=False)
        unit["error"] = "it is inactive (dead); see journalctl -u kube-apiserver.service"
    return changed(state, hosts=hosts, cluster={**found, "api_error": "no API server is ready"})


def expiring() -> State:
    """Return a cluster with certificates near their end, a stale backup, and a few things to do."""
    state = changed(healthy())
    hosts, found = dict(state.hosts), dict(state.cluster)
    for name, days in (("n1", 3.4), ("n2", 19.0)):
        hosts[name]["certificates"][1] = certificate(
            "/etc/kubernetes/pki/apiserver.crt", days, "kube-apiserver", fingerprint=f"apiserver {name}"
        )
    for each in hosts.values():
        each["backup"]["last"]["time"] = "2026-11-26T01:00:04Z"
    hosts["n2"]["units"][7]["changed_inputs"] = ["/var/lib/kubelet/config.yaml changed"]
    found["nodes"][1].update(unschedulable=True)
    found["pending_csrs"] = [
        {"name": "csr-7xk2p", "user": "system:node:n4", "signer": "kubernetes.io/kubelet-serving", "age": 431.0}
    ]
    found["operation"] = {
        "holder": "alice@admin1/4711-881234",
        "playbook": "renew.yml",
        "since": "2026-11-29T03:10:00Z",
        "age": 4.0,
        "held": True,
    }
    return changed(state, hosts=hosts, cluster=found)


STATES = {"healthy": healthy, "dead host": dead_host, "dead API": dead_api, "expiring": expiring}
