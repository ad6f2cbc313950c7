# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated host answers for its cluster: etcd, the API, the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dev.bench.simulated.pki import request, status_certificates
from dev.bench.simulated.state import Host, Stored, digest
from dev.bench.simulated.system import holds, inputs_of, versions

Result = dict[str, Any]
EPOCH = {"db_size": 25_000_000, "db_size_in_use": 12_000_000, "revision": 100_000, "raft_index": 120_000}


def etcd_members(endpoints: Sequence[str], names: Sequence[str], version: str) -> Result:
    """Return healthy members; the first one leads."""
    leader = digest("member", endpoints[0])[:16] if endpoints else ""
    members = []
    for number, endpoint in enumerate(endpoints):
        members.append(
            {
                "name": names[number] if number < len(names) else endpoint,
                "endpoint": endpoint,
                "healthy": True,
                "error": "",
                "client_urls": [endpoint],
                "peer_urls": [endpoint.replace(":2379", ":2380")],
                "id": digest("member", endpoint)[:16],
                "leader": leader,
                "version": version,
                "learner": False,
                **EPOCH,
            }
        )
    return {
        "members": members,
        "leaders": [leader] if leader else [],
        "leader": members[0]["name"] if members else "",
        "listed": True,
        "alarms": [],
        "errors": [],
    }


def etcd_health(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer that all members are healthy."""
    version = versions(host).get("etcd", "3.6.14")
    names = arguments.get("expected_members") or []
    _learn(stored, arguments["endpoints"], names)
    found = etcd_members(arguments["endpoints"], names, version)
    return {"changed": False, "healthy": True, "problems": [], "versions": [version], "revision": 100_000, **found}


def _learn(stored: Stored, endpoints: Sequence[str], names: Sequence[str]) -> None:
    """Note the names of the members, which not every module is given."""
    if len(names) == len(endpoints):
        with stored.cluster() as cluster:
            cluster["members"] = dict(zip(endpoints, names))


def unchanging(name: str, fields: Result, *keys: str) -> Any:
    """Return an answer that says changed where the given arguments are other ones than before."""

    def answer(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
        wanted = digest([arguments.get(key) for key in keys])
        place = digest(name, arguments.get("prune_label"), arguments.get("path"))
        with stored.cluster() as cluster:
            changed = cluster.get(place) != wanted
            cluster[place] = wanted
        return {"changed": changed, **fields}

    return answer


def manifest(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Apply a manifest."""
    content, label = arguments["content"], arguments.get("prune_label") or ""
    wanted, place = digest(content), f"manifest {label}"
    objects = [f"Object {number}" for number in range(content.count("\nkind:"))]
    with stored.cluster() as cluster:
        changed = cluster.get(place, digest("")) != wanted
        cluster[place] = wanted
        if "coredns" in content and "clusterIP:" in content:
            image = content.partition("coredns:v")[2].split()[0].strip("\"'")
            address = content.partition("clusterIP:")[2].split()[0].strip("\"'")
            cluster["dns"] = {"coredns": image, "dns_address": address}
    changes = objects if changed else []
    return {"changed": changed, "objects": objects, "changed_objects": changes, "pruned": [], "calls": 2, "diff": []}


def cluster_lock(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Lock, if there is a cluster."""
    if arguments.get("state") == "absent":
        return {"changed": False, "places": [], "lock": "released"}
    with stored.cluster() as cluster:
        exists = "record" in cluster
    if not exists:
        return {"changed": False, "places": [], "lock": "none", "reason": "no API server is ready"}
    places = (["etcd"] if arguments.get("etcd") else []) + (["api"] if arguments.get("servers") else [])
    return {"changed": False, "places": places, "lock": "held", "holder": arguments["holder"]}


def cluster_record(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Write the record."""
    etcd = arguments.get("etcd") or {}
    with stored.cluster() as cluster:
        names = cluster.get("members", {})
        record = {
            "id": digest("cluster"),
            **{name: arguments.get(name) for name in ("name", "collection", "versions", "networks")},
            "masters": sorted(arguments.get("masters") or []),
            "etcd": [{"name": names.get(each, each), "endpoint": each} for each in etcd.get("endpoints") or []],
        }
        changed = cluster.get("record") != record
        cluster["record"] = record
    return {"changed": changed, "record": record, "text": f"{digest(record)}\n", "diff": {"before": "", "after": ""}}


def csr_approval(_host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Approve all CSRs. The certificates are not used, but as long as real ones."""
    names = [node["name"] for node in arguments["nodes"] if node.get("request")]
    return {
        "changed": bool(names),
        "approved": [{"name": f"csr-{name}", "node": name, "reason": "the CSR created on the node"} for name in names],
        "denied": [],
        "left": [],
        "issued": names,
        "certificates": {name: request(name) for name in names},
        "problems": {},
        "joined": [],
        "missing": [],
    }


def node_settings(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Label and taint nodes."""
    known = set(stored.nodes())
    changed = []
    with stored.cluster() as cluster:
        settings = cluster.setdefault("nodes", {})
        for node in arguments["nodes"]:
            wanted = digest(node.get("labels"), node.get("taints"))
            # A new node has no labels and taints that are not its own.
            empty = not node.get("labels") and not node.get("taints")
            if node["name"] in known and settings.get(node["name"], wanted if empty else "") != wanted:
                changed.append(node["name"])
            settings[node["name"]] = wanted
        opened = cluster.setdefault("opened", [])
        tainted = [name for name in arguments.get("expected") or [] if name in known and name not in opened]
        opened += [name for name in arguments.get("joined") or [] if name not in opened]
    joined = [name for name in tainted if name in (arguments.get("joined") or [])]
    return {
        "changed": bool(changed),
        "nodes": changed,
        "missing": sorted(set(arguments.get("expected") or []) - known),
        "unannotated": [],
        "joining": [name for name in tainted if name not in joined],
        "diff": [],
    }


def node_states(stored: Stored, version: str) -> list[Result]:
    """Return the registered nodes, all ready."""
    return [
        {
            "name": name,
            "ready": True,
            "reason": "",
            "version": f"v{version}",
            "addresses": [],
            "unschedulable": False,
            "pressure": [],
            "joining": False,
            "pod_cidr": f"10.{number // 256}.{number % 256}.0/24",
        }
        for number, name in enumerate(stored.nodes())
    ]


def leases() -> list[Result]:
    """Return leaders of all that has one."""
    names = ("kube-controller-manager", "kube-scheduler")
    return [{"name": name, "holder": "m1_5e6c", "age": 1.2, "held": True} for name in names]


def cluster_info(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer that the cluster is healthy; nodes that never joined are a problem."""
    urls = [*(arguments.get("servers") or []), *filter(None, [arguments.get("endpoint")])]
    found = versions(host)
    nodes = node_states(stored, found.get("kubelet") or found.get("kube-apiserver", ""))
    known = {node["name"] for node in nodes}
    problems = [f"node {name}: not registered" for name in arguments.get("nodes") or [] if name not in known]
    etcd = arguments.get("etcd") or {}
    members = etcd_members(etcd.get("endpoints") or [], etcd.get("expected_members") or [], "3.6.14")
    return {
        "changed": False,
        "healthy": not problems,
        "problems": problems,
        "masters": [{"url": url, "ready": True, "anonymous": 401, "detail": "", "error": ""} for url in urls],
        "leases": leases(),
        "nodes": nodes,
        "etcd": {"healthy": True, "problems": [], "revision": 100_000, "refusals": [], **members},
    }


def workload_check(_host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Answer that a pod runs on every node."""
    pods = [
        {"name": f"probe-{node}", "node": node, "ip": "10.244.0.5", "host_ip": "", "ready": True, "reason": ""}
        for node in arguments.get("nodes") or []
    ]
    return {"changed": False, "problems": [], "pods": pods, "failed_nodes": [], "probes": len(pods)}


def host_status(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer with the state of the host."""
    units = []
    for each in arguments.get("units") or []:
        name = f"{each['unit']}.service"
        active = name in host.units
        started = host.units.get(name, {})
        changed = [
            path
            for path, now in inputs_of(host, name, {"inputs": list(started)}).items()
            if active and started.get(path, now) != now
        ]
        state = "active (running)" if active else "inactive (dead)"
        error = "" if active else "it is inactive (dead)"
        units.append({"unit": name, "state": state, "active": active, "error": error, "changed_inputs": changed})
    last = {"time": "2099-01-01T00:00:00Z", "archive": "/var/backups/x", "size": 20480, "revision": 100_000}
    return {
        "changed": False,
        "units": units,
        "versions": versions(host),
        "certificates": status_certificates(host, arguments),
        "backup": {
            "deployed": "hardway-backup.timer" in host.units,
            "last": last if arguments.get("backup_file") else {},
        },
        "addresses": [each for each in arguments.get("addresses") or [] if holds(host, each, stored)],
        "errors": [],
    }


def cluster_status(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer with the state of the cluster."""
    found = versions(host)
    version = found.get("kube-apiserver", "")
    with stored.cluster() as cluster:
        record, dns, names = cluster.get("record", {}), cluster.get("dns", {}), cluster.get("members", {})
    etcd = (arguments.get("etcd") or {}).get("endpoints") or []
    members = etcd_members(etcd, [names.get(each, each) for each in etcd], found.get("etcd", "3.6.14"))
    for member in members["members"]:
        member["quota"] = 2**33
    servers = [{"url": url, "ready": True, "version": version, "reason": ""} for url in arguments.get("servers") or []]
    endpoint = arguments.get("endpoint")
    return {
        "changed": False,
        "servers": servers,
        "endpoint": {"url": endpoint, "ready": True, "version": version, "reason": ""} if endpoint else {},
        "api_error": "",
        "leaders": leases(),
        "operation": {},
        "record": record,
        "coredns": dns.get("coredns", ""),
        "pending_csrs": [],
        "nodes": node_states(stored, version),
        "etcd": members,
    }


def command(_host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer to kubectl get nodes, as the playbook add calls it; no other command is known."""
    words = arguments.get("argv") or []
    if words[2:4] != ["get", "nodes"]:
        return {"failed": True, "msg": f"no such command on a simulated host: {words}"}
    names = "\n".join(stored.nodes())
    return {"changed": True, "stdout": names, "stderr": "", "rc": 0, "cmd": words}
