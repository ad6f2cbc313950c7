# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a cluster as plain data: verdict, what is safe, problems, and one section per part. No I/O."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import status_network
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_findings import findings
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import (
    Finding,
    State,
    age,
    one_line,
    shown_size,
    shown_time,
    worst,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import order

# Beside those with problems, as many rows of a section are shown.
MOST_ROWS = 12
CERTIFICATES = 6
# severity and cells
Row = tuple[str, list[str]]
SHORT = {"kube-controller-manager": "controller-manager", "kube-scheduler": "scheduler"}


def report(state: State) -> dict[str, Any]:
    """Return the status."""
    found = findings(state)
    severity = worst([finding.severity for finding in found])
    promises = [_data(state), _clients(state), _workloads(state)]
    return {
        "cluster": str(state.inventory.get("name", "")),
        "version": ", ".join(_versions(state)) or "unknown",
        "time": state.now.astimezone(datetime.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "shown_time": shown_time(state.now),
        "severity": severity,
        "critical": sum(finding.severity == "critical" for finding in found),
        "warnings": sum(finding.severity == "warning" for finding in found),
        "sentence": _sentence(severity, promises),
        "promises": promises,
        "next": list(dict.fromkeys(finding.remedy for finding in found if finding.severity == severity))[:3],
        "findings": [asdict(finding) for finding in found],
        "sections": [section for build in SECTIONS for section in build(state, found)],
    }


def _sentence(severity: str, promises: Sequence[Mapping[str, str]]) -> str:
    """Return the verdict."""
    broken = [promise["name"].lower() for promise in promises if promise["state"] == "critical"]
    if broken:
        return f"Broken: {', '.join(broken)}."
    if any(promise["state"] == "unknown" for promise in promises):
        return "Part of the cluster could not be inspected."
    return {
        "critical": "The cluster still works, and needs repair now.",
        "warning": "The cluster works. Something needs attention.",
        "ok": "The cluster works. Nothing to do.",
    }[severity]


def _versions(state: State) -> list[str]:
    """Return the versions of the API servers; without them, those that the control-plane hosts run."""
    found = {server["version"] for server in state.servers if server["version"]}
    names = [one["host"] for one in state.group("masters")]
    found = found or {state.hosts.get(name, {}).get("versions", {}).get("kube-apiserver", "") for name in names}
    return sorted((version for version in found if version), key=order)


def _promise(name: str, state: str, text: str) -> dict[str, str]:
    return {"name": name, "state": state, "text": text}


def _data(state: State) -> dict[str, str]:
    """Return whether the cluster can read and write its data."""
    last = state.backup
    kept = f"; last proven backup {age((state.now - last['moment']).total_seconds())} ago" if last else ""
    if not state.members:
        return _promise("Data", "unknown", f"etcd was not inspected{kept}")
    if state.healthy_voters < state.quorum:
        return _promise("Data", "critical", f"etcd has no quorum, so nothing can be written{kept}")
    text = f"{state.healthy_voters} of {len(state.voters)} etcd members are healthy"
    whole = state.healthy_voters == len(state.voters)
    return _promise("Data", "ok" if whole else "warning", f"etcd has its quorum: {text}{kept}")


def _clients(state: State) -> dict[str, str]:
    """Return whether clients reach the API."""
    endpoint, ready = state.cluster.get("endpoint") or {}, state.ready_servers
    if ready and state.cluster.get("api_error"):
        return _promise("Clients", "critical", "the API answers, but no object can be read")
    if endpoint.get("ready"):
        return _promise("Clients", "ok", f"the API answers at {endpoint['url']}")
    if ready:
        direct = ready[0]["url"]
        return _promise("Clients", "critical", f"the API endpoint does not answer; {direct} does")
    if not state.servers:
        return _promise("Clients", "unknown", "the API was not inspected")
    return _promise("Clients", "critical", "no API server is ready")


def _workloads(state: State) -> dict[str, str]:
    """Return whether pods run."""
    if not state.api_answers:
        return _promise("Workloads", "unknown", "running pods go on, but are not replaced while the API is down")
    ready = sum(bool(node["ready"]) for node in state.nodes)
    leading = all(lease["held"] for lease in state.cluster.get("leaders") or [])
    text = f"{ready} of {len(state.nodes)} nodes are ready"
    if not leading:
        return _promise("Workloads", "critical", f"{text}, but lost pods are not replaced without leaders")
    if state.nodes and len(state.awaiting) == len(state.nodes):
        return _promise("Workloads", "warning", f"{text}; no pod runs before you install the pod network")
    if state.nodes and not ready:
        return _promise("Workloads", "critical", text)
    return _promise("Workloads", "ok" if ready == len(state.nodes) else "warning", text)


def _section(
    found: Iterable[Finding],
    name: str,
    title: str,
    summary: str,
    *,
    columns: Sequence[str] = (),
    rows: Sequence[Row] = (),
    also: Sequence[str] = (),
    known: bool = True,
) -> dict[str, Any]:
    """Return a section; its severity is the worst of its findings and rows, or unknown."""
    own = [finding.severity for finding in found if finding.section in (name, *also)]
    severity = worst([*own, *(severity for severity, _cells in rows)])
    return {
        "name": name,
        "title": title,
        "severity": "unknown" if severity == "ok" and not known else severity,
        "summary": summary,
        "columns": list(columns),
        "rows": [{"severity": each, "cells": cells} for each, cells in rows],
    }


def _limited(rows: Sequence[Row], what: str) -> list[Row]:
    """Return the rows with problems and the first of the others, and how many are left out."""
    bad = [row for row in rows if row[0] != "ok"]
    good = [row for row in rows if row[0] == "ok"]
    shown = good[: max(0, MOST_ROWS - len(bad))]
    rest = len(good) - len(shown)
    more: list[Row] = [("ok", [f"and {rest} more {what}", *[""] * (len(rows[0][1]) - 1)])] if rest else []
    return [*bad, *shown, *more]


def _api(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    if not state.group("masters"):
        return []
    servers, endpoint = state.servers, state.cluster.get("endpoint") or {}
    leading: dict[str, list[str]] = {}
    for lease in state.cluster.get("leaders") or []:
        if lease["held"]:
            leading.setdefault(lease["holder"].rpartition("_")[0], []).append(SHORT.get(lease["name"], lease["name"]))
    names = {one["host"]: one["name"] for one in state.group("masters")}
    rows: list[Row] = [
        (
            "ok" if server["ready"] else "warning",
            [
                server["host"],
                "ready" if server["ready"] else server["reason"],
                server["version"] + (f" as {server['emulates']}" if server.get("emulates") else "") or "–",
                ", ".join(leading.get(server["host"]) or leading.get(names.get(server["host"], "")) or []) or "–",
            ],
        )
        for server in servers
    ]
    summary = f"{len(state.ready_servers)} of {len(servers)} ready" if servers else "not inspected"
    if endpoint:
        summary += f" · {endpoint['url'].partition('://')[2]} {'answers' if endpoint['ready'] else 'does not answer'}"
    for lease in state.cluster.get("leaders") or []:
        holder = lease["holder"].rpartition("_")[0] if lease["held"] else "none"
        summary += f" · {SHORT.get(lease['name'], lease['name'])} {holder}"
    if emulated := sorted({server["emulates"] for server in servers if server.get("emulates")}):
        summary += f" · soaks as {emulated[0]} until upgrade.yml -e finish=true, or rollback.yml"
    columns = ("Host", "State", "Version", "Leads")
    return [
        _section(
            found, "api", "API servers", summary, columns=columns, rows=rows, also=["leaders"], known=bool(servers)
        )
    ]


def _etcd(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    if not state.group("etcd"):
        return []
    etcd = state.cluster.get("etcd") or {}
    index = max((member["raft_index"] for member in state.members), default=0)
    rows: list[Row] = []
    for member in state.members:
        leads = member["id"] and [member["id"]] == etcd["leaders"]
        behind = index - member["raft_index"]
        size = shown_size(member["db_size"]) + (f" of {shown_size(member['quota'])}" if member["quota"] else "")
        rows.append(
            (
                "ok" if member["healthy"] else "warning",
                [
                    state.member_name(member),
                    "healthy" if member["healthy"] else one_line(member["error"] or "not healthy"),
                    "learner" if member["learner"] else "leader" if leads else "follower" if member["version"] else "–",
                    member["version"] or "–",
                    size if member["version"] else "–",
                    "–" if not member["version"] else f"{behind} behind" if behind else "none",
                ],
            )
        )
    summary = "not inspected"
    if state.members:
        largest = max(state.members, key=lambda member: member["db_size"])
        quota = f" of {shown_size(largest['quota'])}" if largest["quota"] else ""
        summary = f"{state.healthy_voters} of {len(state.voters)} healthy · leader {etcd['leader'] or 'none'}"
        summary += f" · {shown_size(largest['db_size'])}{quota}" if largest["db_size"] else ""
        summary += f" · alarms {', '.join(etcd['alarms'])}" if etcd["alarms"] else ""
    columns = ("Member", "State", "Role", "Version", "Database", "Raft lag")
    return [_section(found, "etcd", "etcd", summary, columns=columns, rows=rows, known=bool(state.members))]


def _nodes(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    if not state.group("nodes") and not state.nodes:
        return []
    bad = {finding.object: finding.severity for finding in reversed(found) if finding.section == "nodes"}
    rows: list[Row] = [
        (
            bad.get(f"node {node['name']}", "ok" if node["ready"] else "warning"),
            [
                node["name"],
                ("ready" if node["ready"] else "not ready") + (", cordoned" if node["unschedulable"] else ""),
                node["version"].lstrip("v") or "–",
                ", ".join(words.partition(":")[0] for words in node["pressure"]) or "none",
            ],
        )
        for node in state.nodes
    ]
    cordoned = sum(bool(node["unschedulable"]) for node in state.nodes)
    summary = f"{sum(bool(node['ready']) for node in state.nodes)} of {len(state.nodes)} ready"
    summary += f" · {cordoned} cordoned" if cordoned else ""
    if not state.api_answers:
        summary = "unknown, because the API does not answer"
    columns = ("Node", "State", "Kubelet", "Pressure")
    return [
        _section(
            found,
            "nodes",
            "Nodes",
            summary,
            columns=columns,
            rows=_limited(rows, "ready nodes"),
            known=state.api_answers,
        )
    ]


def _network(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    if not state.group("nodes") and not state.nodes:
        return []
    rows = status_network.rows(state)
    columns = status_network.COLUMNS if rows else ()
    shown = _limited(rows, "leases") if rows else []
    text, known = status_network.summary(state), state.api_answers
    return [_section(found, "network", "Pod network", text, columns=columns, rows=shown, known=known)]


def _balancers(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    hosts = [one["host"] for one in state.group("lb")]
    if not hosts:
        return []
    units = {(host, unit["unit"].removesuffix(".service")): unit for host, unit in state.units()}
    addresses = state.inventory.get("addresses") or []
    rows: list[Row] = []
    for host in hosts:
        own = [units.get((host, name)) for name in ("haproxy", "keepalived")]
        held = [address for address in addresses if host in state.holders(address)]
        cells = [host, *("unknown" if not unit else "works" if not unit["error"] else unit["state"] for unit in own)]
        rows.append(
            ("ok" if all(unit and not unit["error"] for unit in own) else "warning", [*cells, ", ".join(held) or "–"])
        )
    working = sum(row[0] == "ok" for row in rows)
    held_by = [f"{address} on {' and '.join(state.holders(address)) or 'no inspected host'}" for address in addresses]
    known = any(map(state.reached, hosts))
    summary = " · ".join([f"{working} of {len(hosts)} work", *held_by]) if known else "not inspected"
    columns = ("Host", "haproxy", "keepalived", "Virtual IP")
    return [_section(found, "balancers", "Load balancers", summary, columns=columns, rows=rows)]


def _hosts(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    rows: list[Row] = []
    for host, result in state.hosts.items():
        if not state.reached(host):
            rows.append(("warning", [host, "not reached" if result.get("unreachable") else "not inspected", "–", "–"]))
            continue
        units = result["units"]
        bad = [unit["unit"].removesuffix(".service") for unit in units if unit["error"]]
        drift = [unit["unit"].removesuffix(".service") for unit in units if unit["changed_inputs"]]
        text = f"{len(units) - len(bad)} of {len(units)} work" + (f", not {', '.join(bad)}" if bad else "")
        text += f", changed inputs: {', '.join(drift)}" if drift else ""
        versions = [
            f"{name} {result['versions'][name]}" for name in ("etcd", "containerd") if name in result["versions"]
        ]
        rows.append(("warning" if bad or drift else "ok", [host, "reached", text, ", ".join(versions) or "–"]))
    reached = sum(state.reached(host) for host in state.hosts)
    total = sum(1 for _unit in state.units())
    works = sum(not unit["error"] for _host, unit in state.units())
    summary = f"{reached} of {len(state.hosts)} reached · {works} of {total} units work"
    columns = ("Host", "State", "Units", "Versions")
    shown = _limited(rows, "hosts") if rows else []
    return [_section(found, "hosts", "Hosts and units", summary, columns=columns, rows=shown, also=["units"])]


def _certificates(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    every = state.certificates()
    rows: list[Row] = []
    for item in every[:CERTIFICATES]:
        (host, where), *more = item["places"]
        place = f"{host}: {where}" + (f" +{len(more)}" if more else "")
        subject = next((part[3:] for part in item["subject"] if part.startswith("CN=")), ", ".join(item["subject"]))
        severity = item["state"] if item["state"] in ("ok", "warning") else "critical"
        rows.append(
            (
                severity,
                [
                    f"{item['days_left']:.0f} days",
                    item["not_after"].replace("T", " ").replace("Z", " UTC"),
                    subject,
                    place,
                ],
            )
        )
    summary = (
        f"{len(every)} certificates · the first expires in {every[0]['days_left']:.0f} days" if every else "none found"
    )
    columns = ("Left", "Expires", "Subject", "Place")
    return [_section(found, "certificates", "Certificates", summary, columns=columns, rows=rows, known=bool(every))]


def _others(state: State, found: Sequence[Finding]) -> list[dict[str, Any]]:
    last, pending = state.backup, state.cluster.get("pending_csrs") or []
    operation, seen = state.cluster.get("operation") or {}, "operation" in state.cluster
    reached = any(map(state.reached, state.hosts))
    kept = "none known" if state.backup_deployed else "not deployed" if reached else "unknown"
    if last:
        size = f" · {shown_size(float(last['size']))}" if isinstance(last.get("size"), (int, float)) else ""
        kept = f"{age((state.now - last['moment']).total_seconds())} ago · {shown_time(last['moment'])}{size}"
    running = "none" if seen else "unknown"
    if operation:
        since = (
            f" since {operation['since'].partition('.')[0].rstrip('Z').replace('T', ' ')} UTC"
            if operation["since"]
            else ""
        )
        running = one_line(f"{operation['playbook']} by {operation['holder']}{since}")
        running += f" · {one_line(operation['step'])}" if operation.get("step") else ""
        running += "" if operation["held"] else " · interrupted"
    rows: list[Row] = [("warning", [item["name"], item["user"], item["signer"], age(item["age"])]) for item in pending]
    columns = ("CSR", "From", "Signer", "Age")
    waiting = f"{len(pending)} pending" if state.api_answers else "unknown"
    return [
        _section(found, "backup", "Last proven backup", kept, known=bool(last)),
        _section(found, "csrs", "CSRs", waiting, columns=columns if rows else (), rows=rows, known=state.api_answers),
        _section(found, "operation", "Running operation", running, known=seen),
    ]


SECTIONS: tuple[Callable[[State, Sequence[Finding]], list[dict[str, Any]]], ...] = (
    _api,
    _nodes,
    _network,
    _etcd,
    _balancers,
    _hosts,
    _certificates,
    _others,
)
