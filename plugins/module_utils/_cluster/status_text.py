# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the status of a cluster for the terminal, and as metrics for Prometheus. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import SEVERITIES, State

WORDS = {"critical": "CRITICAL", "warning": "WARNING", "ok": "ok", "unknown": "unknown"}
WIDTH = max(map(len, WORDS.values()))
PROMISES = {"ok": "safe", "warning": "degraded", "critical": "BROKEN", "unknown": "unknown"}
_METRICS = {
    "severity": "Severity of the cluster: 0 ok, 1 warning, 2 critical.",
    "findings": "Number of problems by severity.",
    "finding": "A problem of the cluster.",
    "host_reached": "Whether the host reported its state.",
    "unit_healthy": "Whether the unit is active and answers its health check.",
    "api_server_ready": "Whether the API server is ready.",
    "api_endpoint_ready": "Whether the API answers at the endpoint of clients.",
    "etcd_member_healthy": "Whether the etcd member is healthy.",
    "etcd_database_bytes": "Size of the database of the etcd member.",
    "etcd_quota_bytes": "Quota of the database of the etcd member.",
    "node_ready": "Whether the node is ready.",
    "node_schedulable": "Whether the node takes new pods.",
    "pending_csrs": "Number of CSRs without a decision.",
    "certificate_days_left": "Days until the first certificate expires.",
    "backup_timestamp_seconds": "When the last proven backup was created.",
    "report_timestamp_seconds": "When the state was gathered.",
}


def counted(report: Mapping[str, Any]) -> str:
    """Return how many problems there are."""
    warnings = f"{report['warnings']} warning{'' if report['warnings'] == 1 else 's'}"
    return f"{report['critical']} critical, {warnings}" if report["findings"] else "no problems"


def lines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return severity and text of each line, the worst first."""
    head = f"cluster {report['cluster']} · Kubernetes {report['version']} · {report['shown_time']} · {counted(report)}"
    found = [
        _line(report["severity"], WORDS[report["severity"]], head),
        _line("text", "", report["sentence"]),
        ("text", ""),
    ]
    for finding in report["findings"]:
        severity = finding["severity"]
        found.append(_line(severity, WORDS[severity], f"{finding['object']}: {finding['reason']}"))
        found.append(("text", f"{'':{WIDTH}}  → {finding['remedy']}"))
    if report["findings"]:
        found.append(("text", ""))
    for promise in report["promises"]:
        found.append(
            _line(promise["state"], PROMISES[promise["state"]], f"{promise['name'].lower()}: {promise['text']}")
        )
    if report["next"]:
        found.append(_line("text", "next", report["next"][0]))
    found.append(("text", ""))
    width = max(len(section["title"]) for section in report["sections"])
    for section in report["sections"]:
        text = f"{section['title']:{width}}  {section['summary']}"
        found.append(_line(section["severity"], WORDS[section["severity"]], text))
    return found


def _line(severity: str, word: str, text: str) -> tuple[str, str]:
    return severity, f"{word:{WIDTH}}  {text}".rstrip()


def verdict(report: Mapping[str, Any], fail_on: str) -> str:
    """Return why the run fails, in one line; empty where it does not. fail_on is a severity, or never."""
    if fail_on not in SEVERITIES:
        return ""
    counts = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    found = [finding for finding in report["findings"] if finding["severity"] in counts]
    texts = [f"{finding['severity']}: {finding['object']}: {finding['reason']}" for finding in found]
    return f"cluster {report['cluster']}: {'; '.join(texts)}" if texts else ""


class Samples:
    """Samples by metric, each once."""

    def __init__(self, cluster: str) -> None:
        """Remember the label that all of them have."""
        self.cluster = cluster
        self.found: dict[str, list[str]] = {name: [] for name in _METRICS}

    def add(self, name: str, value: float, **labels: str) -> None:
        """Add a sample."""
        pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in {"cluster": self.cluster, **labels}.items())
        sample = f"{{{pairs}}} {float(value):.10g}"
        if sample not in self.found[name]:
            self.found[name].append(sample)

    def text(self) -> str:
        """Return them in the format of Prometheus."""
        lines = []
        for name, values in self.found.items():
            full = f"hardway_status_{name}"
            if values:
                lines += [
                    f"# HELP {full} {_METRICS[name]}",
                    f"# TYPE {full} gauge",
                    *(full + value for value in values),
                ]
        return "\n".join(lines) + "\n"


def metrics(report: Mapping[str, Any], state: State) -> str:
    """Return Prometheus metrics for the textfile collector of node_exporter."""
    samples = Samples(report["cluster"])
    samples.add("severity", {"ok": 0, "warning": 1, "critical": 2}[report["severity"]])
    samples.add("findings", report["critical"], severity="critical")
    samples.add("findings", report["warnings"], severity="warning")
    for finding in report["findings"]:
        samples.add("finding", 1, **{name: finding[name] for name in ("severity", "section", "object")})
    for host in state.hosts:
        samples.add("host_reached", state.reached(host), host=host)
    for host, unit in state.units():
        samples.add("unit_healthy", not unit["error"], host=host, unit=unit["unit"])
    _add_cluster(samples.add, state)
    for item in state.certificates()[:1]:
        samples.add("certificate_days_left", item["days_left"])
    if state.backup:
        samples.add("backup_timestamp_seconds", state.backup["moment"].timestamp())
    samples.add("report_timestamp_seconds", int(state.now.timestamp()))
    return samples.text()


def _add_cluster(add: Any, state: State) -> None:
    """Add what a control-plane host has reported of the cluster."""
    for server in state.servers:
        add("api_server_ready", server["ready"], host=server["host"])
    endpoint = state.cluster.get("endpoint") or {}
    if endpoint:
        add("api_endpoint_ready", endpoint["ready"])
    for member in state.members:
        name = state.member_name(member)
        add("etcd_member_healthy", member["healthy"], member=name)
        if member["version"]:
            add("etcd_database_bytes", member["db_size"], member=name)
        if member["quota"]:
            add("etcd_quota_bytes", member["quota"], member=name)
    for node in state.nodes:
        add("node_ready", node["ready"], node=node["name"])
        add("node_schedulable", not node["unschedulable"], node=node["name"])
    if state.api_answers:
        add("pending_csrs", len(state.cluster.get("pending_csrs") or []))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
