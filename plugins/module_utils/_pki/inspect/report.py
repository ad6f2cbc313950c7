# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the certificates of all hosts as a table and as metrics, and their problems. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import moment_of

# The worst first.
STATES = ("expired", "future", "critical", "mismatch", "warning", "ok")
HEADING = ("STATE", "DAYS", "HOST", "SUBJECT", "NAMES", "ISSUER", "WHERE", "SERVED AT", "USED BY")
# Of the names, as many are shown as fit into so many characters.
_NAMES_WIDTH = 40

Inspections = Mapping[str, Mapping[str, Any]]


def gathered(inspections: Inspections) -> list[dict[str, Any]]:
    """Return all certificates, each with its host; those of shared endpoints are compared with every host's file."""
    rows = [{"host": host, **item} for host, found in inspections.items() for item in found.get("certificates", [])]
    held: dict[str, set[str]] = {}
    for row in rows:
        if row["kind"] == "file":
            held.setdefault(row["path"], set()).add(row["fingerprint"])
    for row in rows:
        if row["kind"] == "endpoint" and row["served_matches"] is None and row["path"] in held:
            row["served_matches"] = row["fingerprint"] in held[row["path"]]
            row["held"] = sorted(held[row["path"]])
    return rows


def problems(inspections: Inspections, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all problems, each with its host."""
    found = []
    for host, inspection in inspections.items():
        if not inspection:
            found.append(f"{host}: was not reached; its certificates are unknown")
        elif "certificates" not in inspection:
            found.append(f"{host}: could not be inspected: {inspection.get('msg', 'no reason given')}")
        found += [f"{host}: {problem}" for problem in inspection.get("problems", [])]
    for row in rows:
        if row.get("held") and not row["served_matches"]:
            found.append(
                f"{row['host']}: {row['endpoint']}: serves {row['fingerprint']}, but {row['path']} of no host is that"
                f" ({', '.join(row['held'])}); restart what serves it"
            )
    return found


def warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the certificates in state warning."""
    return [
        f"{row['host']}: {row['where']}: has {row['days_left']:.0f} days left"
        for row in rows
        if row["state"] == "warning"
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return state and text of each line; one line per certificate and host, regardless of its locations."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["host"], row["fingerprint"]), []).append(row)
    hosts = list(dict.fromkeys(row["host"] for row in rows))
    order = sorted(groups.values(), key=lambda group: (hosts.index(group[0]["host"]), group[0]["days_left"]))
    cells = [_cells(group) for group in order]
    widths = [max(len(line[column]) for line in [HEADING, *cells]) for column in range(len(HEADING))]
    return [
        (line[0].lower(), "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        for line in [HEADING, *cells]
    ]


def summary(rows: Sequence[Mapping[str, Any]], wrong: Sequence[str]) -> tuple[str, str]:
    """Return state and text of the summary."""
    if not rows:
        return "critical" if wrong else "ok", f"No certificate was found; {len(wrong)} problems."
    different = len({row["fingerprint"] for row in rows})
    soonest = min(rows, key=lambda row: row["days_left"])
    state = "critical" if wrong else min((row["state"] for row in rows), key=STATES.index)
    return state, (
        f"{different} certificates in {len(rows)} places, {len(wrong)} problems; "
        f"the first to expire is {soonest['where']} on {soonest['host']}, in {soonest['days_left']:.0f} days."
    )


def metrics(inspections: Inspections, rows: Iterable[Mapping[str, Any]], wrong: Sequence[str], now: datetime) -> str:
    """Return Prometheus metrics for the textfile collector of node_exporter."""
    lists: dict[str, list[str]] = {name: [] for name in _METRICS}
    for row in rows:
        labels = _labels(row)
        lists["not_before_timestamp_seconds"].append(f"{labels} {moment_of(row['not_before']).timestamp():.0f}")
        lists["not_after_timestamp_seconds"].append(f"{labels} {moment_of(row['not_after']).timestamp():.0f}")
        if row["served_matches"] is not None:
            lists["served_matches"].append(f"{labels} {int(row['served_matches'])}")
    for host in inspections:
        count = sum(problem.startswith(f"{host}: ") for problem in wrong)
        lists["problems"].append(f'{{host="{_escaped(host)}"}} {count}')
    lists["report_timestamp_seconds"].append(f" {int(now.timestamp())}")
    lines = []
    for name, samples in lists.items():
        full = f"hardway_certificate_{name}"
        if samples:
            lines += [f"# HELP {full} {_METRICS[name]}", f"# TYPE {full} gauge", *(full + sample for sample in samples)]
    return "\n".join(lines) + "\n"


_METRICS = {
    "not_before_timestamp_seconds": "Start of the validity period of a certificate.",
    "not_after_timestamp_seconds": "End of the validity period of a certificate.",
    "served_matches": "Whether an endpoint serves the certificate that is on disk.",
    "problems": "Number of problems with the certificates of a host.",
    "report_timestamp_seconds": "When the certificates were inspected.",
}


def _cells(group: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the cells of one certificate on one host."""
    first = group[0]
    files = [row["where"] for kind in ("file", "kubeconfig") for row in group if row["kind"] == kind]
    served = [row for row in group if row["kind"] == "endpoint"]
    wrong = any(row["served_matches"] is False for row in served)
    state = min([first["state"], *(["mismatch"] if wrong else [])], key=STATES.index)
    return (
        state.upper() if state != "ok" else state,
        f"{first['days_left']:.0f}",
        first["host"],
        _name(first["subject"]),
        _shown(_plain(first["sans"])),
        _name(first["issuer"]),
        files[0] + (f" +{len(files) - 1}" if len(files) > 1 else "") if files else "-",
        " ".join(row["endpoint"] for row in served) or "-",
        ", ".join(dict.fromkeys(user for row in group for user in row["used_by"])) or "-",
    )


def _name(parts: Sequence[str]) -> str:
    """Return a distinguished name for display: the common name, and organizations in brackets."""
    values: dict[str, list[str]] = {}
    for part in parts:
        kind, _equals, value = part.partition("=")
        values.setdefault(kind, []).append(value)
    common = ", ".join(values.get("CN", [])) or ", ".join(parts)
    return common + (f" ({', '.join(values['O'])})" if "CN" in values and "O" in values else "")


def _plain(sans: Sequence[str]) -> list[str]:
    """Return SANs without their type."""
    return [san.partition(":")[2] for san in sans]


def _shown(names: Sequence[str]) -> str:
    """Return the first of the names, and how many more there are."""
    count = next((n for n in range(len(names), 1, -1) if len(", ".join(names[:n])) <= _NAMES_WIDTH), 1)
    more = len(names) - count
    return ", ".join(names[:count]) + (f" +{more}" if more > 0 else "") or "-"


def _labels(row: Mapping[str, Any]) -> str:
    """Return the labels of a certificate; host, where and index are different for each."""
    values = {
        "host": row["host"],
        "where": row["where"],
        "index": str(row["index"]),
        "kind": row["kind"],
        "subject": ",".join(row["subject"]),
        "names": ",".join(_plain(row["sans"])),
        "issuer": ",".join(row["issuer"]),
        "serial": row["serial"],
        "used_by": ",".join(row["used_by"]),
    }
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
