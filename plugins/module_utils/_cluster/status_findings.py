# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates the state of a cluster: every problem with its severity, reason and remedy. No I/O.

Critical is what does not work, or would stop with the next failure although it was built to survive one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import status_etcd, status_network
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import (
    SEVERITIES,
    Finding,
    State,
    age,
    one_line,
    shown_time,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import minor, order
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

# A kubelet may be so many minors older than an API server (version skew policy of Kubernetes).
OLDER_KUBELETS = 3


def findings(state: State) -> list[Finding]:
    """Return all problems, the worst first; of a stopped cluster, only that."""
    if is_stopped(state):
        reason, remedy = "stopped on all hosts", "start it with the playbook start"
        return [Finding("critical", "hosts", "cluster", reason, remedy)]
    cluster = (status_etcd.findings, api, leaders, hosts, nodes, status_network.findings)
    parts = (*cluster, balancers, certificates, backup, csrs, units, operation)
    found = [finding for part in parts for finding in part(state)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def is_stopped(state: State) -> bool:
    """Return whether all hosts have reported, and none of their units runs or has failed."""
    units = [unit for _host, unit in state.units()]
    return (
        all(map(state.reached, state.hosts))
        and bool(units)
        and all(str(unit["state"]).startswith("inactive") for unit in units)
    )


def loss(left: int, built: int) -> str:
    """Return the severity of a lost part, by how many are left of those that were built."""
    return "critical" if left <= 1 < built else "warning"


def hosts(state: State) -> Iterator[Finding]:
    """Yield the hosts that have not reported."""
    for host, result in state.hosts.items():
        if state.reached(host):
            for error in result.get("errors") or []:
                yield Finding(
                    "warning",
                    "hosts",
                    f"host {host}",
                    f"not fully inspected: {one_line(error)}",
                    "fix that and run again",
                )
            continue
        if result.get("unreachable") or not result:
            lost = state.lost_parts(host)
            seen = "" if lost else _seen_by_cluster(state, host)
            also = (
                f", but {seen}" if seen else f", and its {_listed(lost)} {'do' if len(lost) > 1 else 'does'} not answer"
            )
            reason = f"not reached{also if seen or lost else ''} ({_ssh_reason(result.get('msg'))})"
            remedy = f"fix the connection: try ansible {host} -m ansible.builtin.ping"
            yield Finding("warning", "hosts", f"host {host}", reason, remedy if seen else f"bring it back, or {remedy}")
        else:
            reason = one_line(str(result.get("msg") or "no reason given").removeprefix("Task failed: ")).rstrip(".")
            yield Finding("warning", "hosts", f"host {host}", f"not inspected: {reason}", "fix that and run again")


def _ssh_reason(message: object) -> str:
    """Return the reason in a message of Ansible's connection."""
    return one_line(re.split(r" (?:via|over) ssh: ", str(message or "no answer").strip())[-1])


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _seen_by_cluster(state: State, host: str) -> str:
    """Return what of a host still answers, as far as the cluster knows."""
    names = {one["name"] for one in state.group("nodes") if one["host"] == host}
    parts = ["its node is ready"] if any(node["name"] in names and node["ready"] for node in state.nodes) else []
    if any(server["host"] == host for server in state.ready_servers):
        parts.append("its API server is ready")
    return " and ".join(parts)


def api(state: State) -> Iterator[Finding]:
    """Yield problems of the API servers and of the endpoint."""
    if not state.group("masters"):
        return
    servers, ready = state.servers, state.ready_servers
    if not servers:
        reason = "not inspected, because no control-plane host was reached"
        yield Finding("critical", "api", "API servers", reason, "bring one of these hosts back")
        return
    down = [server for server in servers if not server["ready"]]
    if not ready:
        reasons = shortened([f"{server['host']}: {_server_reason(state, server)}" for server in down], 3)
        names = ", ".join(server["host"] for server in down)
        remedy = f"run journalctl -u kube-apiserver on {names}; without etcd they cannot start"
        if all(_server_reason(state, server).startswith("inactive") for server in down):
            remedy = f"start them: run systemctl start kube-apiserver on {names}"
        yield Finding("critical", "api", "API", f"no API server is ready ({reasons})", remedy)
    else:
        yield from _lost_servers(state, down)
        yield from _endpoint(state)
    if state.cluster.get("api_error") and ready:
        reason = one_line(state.cluster["api_error"]).partition("; ")[0]
        if state.members and state.healthy_voters < state.quorum:
            reason = "etcd has no quorum"
        yield Finding(
            "critical", "api", "API", f"no object can be read: {reason}", "repair etcd first, then run verify.yml"
        )
    versions = sorted({server["version"] for server in ready if server["version"]}, key=order)
    if len(versions) > 1:
        way = "site.yml" if minor(versions[0]) == minor(versions[-1]) else f"upgrade.yml -e to={versions[-1]}"
        remedy = f"complete the upgrade: run {way}"
        yield Finding("warning", "api", "API servers", f"run {' and '.join(versions)}", remedy)


def _lost_servers(state: State, down: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield how many API servers are left, and each that is not ready, unless its host is dead as a whole."""
    ready, built = len(state.ready_servers), len(state.servers)
    if down and loss(ready, built) == "critical":
        reason = f"{ready} of {built} is ready, so the next loss stops the API"
        yield Finding("critical", "api", "API servers", reason, f"bring {', '.join(one['host'] for one in down)} back")
    for server in down:
        host = server["host"]
        if not state.lost_parts(host):
            reason = f"{_server_reason(state, server)}, {ready} of {built} are left"
            yield Finding(
                "warning", "api", f"API server on {host}", reason, f"run journalctl -u kube-apiserver on {host}"
            )


def _server_reason(state: State, server: Mapping[str, Any]) -> str:
    """Return why an API server is not ready: its unit knows best."""
    return state.unit_error(server["host"], "kube-apiserver").removeprefix("it is ") or str(server["reason"])


def _endpoint(state: State) -> Iterator[Finding]:
    """Yield the problem of the endpoint that clients use."""
    endpoint = state.cluster.get("endpoint") or {}
    if endpoint and not endpoint["ready"] and endpoint["url"] not in {server["url"] for server in state.servers}:
        remedy = "check haproxy and keepalived on the load balancers, or your external load balancer"
        yield Finding(
            "critical",
            "api",
            f"endpoint {endpoint['url']}",
            f"{endpoint['reason']}, though API servers are ready",
            remedy,
        )


def leaders(state: State) -> Iterator[Finding]:
    """Yield the components without a leader."""
    for lease in state.cluster.get("leaders") or []:
        if not lease["held"]:
            since = "never renewed" if lease["age"] is None else f"last renewed {age(lease['age'])} ago"
            holder = f" by {_host_of(lease['holder'])}" if lease["holder"] else ""
            remedy = f"run journalctl -u {lease['name']} on the control-plane hosts"
            yield Finding("critical", "leaders", lease["name"], f"has no leader, lease {since}{holder}", remedy)


def _host_of(holder: str) -> str:
    """Return the host in the identity of a leader."""
    return holder.rpartition("_")[0] or holder


def nodes(state: State) -> Iterator[Finding]:
    """Yield problems of nodes, and how they differ from the inventory."""
    if not state.api_answers:
        return
    expected = {one["name"]: one["host"] for one in state.group("nodes")}
    known = {node["name"]: node for node in state.nodes}
    lost = [node for node in known.values() if not node["ready"] and node["name"] not in state.awaiting]
    severity = "critical" if lost and len(lost) == len(known) else "warning"
    for node in lost:
        if severity == "warning" and state.lost_parts(expected.get(node["name"], "")):
            continue
        name = f"node {node['name']}"
        reason = f"not ready: {one_line(node['reason']).rstrip('.')}"
        yield Finding(
            severity, "nodes", name, reason, f"run journalctl -u kubelet on {expected.get(node['name'], node['name'])}"
        )
    for name in expected.keys() - known.keys():
        remedy = f"run journalctl -u kubelet on {expected[name]}, or site.yml if it was never deployed"
        yield Finding("warning", "nodes", f"node {name}", "in the inventory, but not in the cluster", remedy)
    for name in sorted(known.keys() - expected.keys()) if expected else ():
        remedy = "add it to the inventory, or run remove_node.yml"
        yield Finding("warning", "nodes", f"node {name}", "in the cluster, but not in the inventory", remedy)
    for node in known.values():
        for words in node["pressure"]:
            yield Finding(
                "warning", "nodes", f"node {node['name']}", one_line(words), f"free that resource on {node['name']}"
            )
        if node["unschedulable"]:
            remedy = f"kubectl uncordon {node['name']}, when its maintenance has ended"
            yield Finding("warning", "nodes", f"node {node['name']}", "cordoned, so it gets no new pods", remedy)
    yield from _left_out(state)
    yield from _skew(state)


def _left_out(state: State) -> Iterator[Finding]:
    """Yield the nodes that runs have left out. One that was removed is recorded until the next run."""
    recorded = (state.cluster.get("record") or {}).get("left_out") or {}
    for name in (node["name"] for node in state.nodes if node["name"] in recorded):
        remedy = "run site.yml when it answers again, or remove_node.yml"
        yield Finding(
            "warning", "nodes", f"node {name}", f"not updated since {recorded[name]}, left out of runs", remedy
        )


def _skew(state: State) -> Iterator[Finding]:
    """Yield the nodes whose kubelet the API servers do not support."""
    versions = [server["version"] for server in state.ready_servers if server["version"]]
    if not versions:
        return
    oldest, newest = minor(min(versions, key=order)), minor(max(versions, key=order))
    for node in state.nodes:
        own = minor(node["version"])
        name, version = f"node {node['name']}", node["version"].lstrip("v")
        if own[0] < 0:
            continue
        if own > oldest:
            reason = f"kubelet {version} is newer than an API server ({min(versions, key=order)})"
            yield Finding(
                "warning", "nodes", name, reason, "upgrade the control plane first: run site.yml without --limit"
            )
        elif own[0] == newest[0] and newest[1] - own[1] > OLDER_KUBELETS:
            reason = f"kubelet {version} is more than {OLDER_KUBELETS} minors older than an API server"
            yield Finding("warning", "nodes", name, reason, "upgrade the node: run site.yml")


def balancers(state: State) -> Iterator[Finding]:
    """Yield virtual addresses that not exactly one load balancer has."""
    names = [one["host"] for one in state.group("lb")]
    for address in state.inventory.get("addresses") or []:
        holders = state.holders(address)
        if len(holders) > 1:
            remedy = "let VRRP (IP protocol 112) pass between them, and check keepalived_password"
            yield Finding(
                "critical", "balancers", f"virtual IP {address}", f"held by {' and '.join(holders)} at once", remedy
            )
        elif names and not holders and all(map(state.reached, names)):
            remedy = f"run journalctl -u keepalived on {', '.join(names)}"
            yield Finding("critical", "balancers", f"virtual IP {address}", "held by no load balancer", remedy)
    active = {host for host, unit in state.units() if unit["unit"] == "haproxy.service" and not unit["error"]}
    if len(names) > 1 and len(active) == 1:
        reason = f"only 1 of {len(names)} works, on {active.pop()}"
        yield Finding(
            "critical", "balancers", "load balancers", reason, "repair the others: see the problems of these hosts"
        )


def certificates(state: State) -> Iterator[Finding]:
    """Yield certificates that expire, each once, and listeners that serve another one than their file has."""
    for item in state.certificates():
        if item["state"] == "ok":
            continue
        (host, where), *more = item["places"]
        place = f"{where} on {host}" + (
            f" and {len(more)} more places" if len(more) > 1 else " and 1 more place" if more else ""
        )
        left = age(abs(item["days_left"]) * 86400)
        reason = {"expired": f"expired {left} ago", "future": "not valid yet"}.get(item["state"], f"expires in {left}")
        severity = "warning" if item["state"] == "warning" else "critical"
        yield Finding(severity, "certificates", f"certificate {place}", reason, _renewal(item))
    for host, result in state.hosts.items():
        for item in result.get("certificates") or []:
            if item["served_matches"] is False:
                reason = f"serves another certificate than {item['path']}"
                users = " ".join(item["used_by"]) or "what serves it"
                yield Finding(
                    "warning",
                    "certificates",
                    f"{item['endpoint']} on {host}",
                    reason,
                    f"run site.yml, which restarts {users}",
                )


def _renewal(item: Mapping[str, Any]) -> str:
    """Return how a certificate is renewed."""
    if item["is_ca"]:
        return "run rotate_ca.yml"
    if "kubelet-client" in str(item["path"]):
        return "check why the kubelet does not rotate it: run journalctl -u kubelet there"
    return "run renew.yml"


def backup(state: State) -> Iterator[Finding]:
    """Yield that there is no backup, or an old one, where backups are deployed."""
    last, limit = state.backup, state.limits.backup_hours
    remedy = "run backup.yml, and journalctl -u hardway-backup on the etcd hosts"
    if not last:
        if state.backup_deployed:
            yield Finding("warning", "backup", "backup", "no proven backup is known", remedy)
        return
    seconds = (state.now - last["moment"]).total_seconds()
    if seconds > limit * 3600:
        reason = f"the last proven one is {age(seconds)} old ({shown_time(last['moment'])}), more than {limit:g} h"
        yield Finding("warning", "backup", "backup", reason, remedy)


def csrs(state: State) -> Iterator[Finding]:
    """Yield the CSRs that wait for an approver."""
    for item in state.cluster.get("pending_csrs") or []:
        reason = f"pending for {age(item['age'])}, from {item['user']} for {item['signer']}"
        remedy = f"approve or deny it: kubectl certificate approve {item['name']}"
        yield Finding("warning", "csrs", f"CSR {item['name']}", reason, remedy)


def units(state: State) -> Iterator[Finding]:
    """Yield units that do not serve, and those that run from earlier inputs."""
    # Those of API servers and etcd members that do not serve are problems of the API and of etcd.
    named = {("kube-apiserver.service", server["host"]) for server in state.servers if not server["ready"]}
    down = {state.member_name(member) for member in state.members if not member["healthy"]}
    named |= {("etcd.service", one["host"]) for one in state.group("etcd") if one["name"] in down}
    for host, unit in state.units():
        if (unit["unit"], host) in named:
            continue
        name = f"{unit['unit'].removesuffix('.service')} on {host}"
        if unit["error"]:
            reason, _semicolon, remedy = unit["error"].partition("; ")
            remedy = remedy or f"run journalctl -u {unit['unit']} on {host}"
            yield Finding("warning", "units", name, one_line(reason.removeprefix("it is ")), one_line(remedy))
        elif unit["changed_inputs"]:
            reason = f"differs from what it was started from: {shortened(unit['changed_inputs'], 2)}"
            yield Finding("warning", "units", name, reason, "run site.yml, which restarts it")


def operation(state: State) -> Iterator[Finding]:
    """Yield an operation that holds the lock of the cluster and has stopped to renew it."""
    found = state.cluster.get("operation") or {}
    if found and not found["held"]:
        since = "" if found["age"] is None else f" {age(found['age'])} ago"
        step = f" at {found['step']!r}" if found.get("step") else ""
        reason = f"{found['playbook']} of {found['holder']}: interrupted{step}, its lock was last renewed{since}"
        yield Finding("warning", "operation", "operation", reason, "run the same playbook again, which completes it")
