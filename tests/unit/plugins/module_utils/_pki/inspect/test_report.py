# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table, the metrics and the problems of several hosts."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect import report

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


def item(where: str, fingerprint: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return the pki_info result of one certificate, as far as a report uses it."""
    return {
        "where": where,
        "kind": "file",
        "path": where,
        "index": 0,
        "endpoint": "",
        "fingerprint": fingerprint,
        "subject": ["CN=x", "O=a"],
        "issuer": ["CN=ca"],
        "sans": [],
        "serial": "1",
        "not_before": "2026-11-20T00:00:00Z",
        "not_after": "2027-11-20T00:00:00Z",
        "days_left": 364.0,
        "state": "ok",
        "used_by": [],
        "served_matches": None,
        **changes,
    }


def served(endpoint: str, fingerprint: str, path: str, matches: bool | None) -> dict[str, t.Any]:
    """Return the pki_info result of an endpoint."""
    place = {"kind": "endpoint", "path": path, "endpoint": endpoint, "used_by": ["api"]}
    return item(endpoint, fingerprint, served_matches=matches, **place)


LOOKS: dict[str, dict[str, t.Any]] = {
    "m1": {
        "certificates": [
            item("/p/ca.crt", "ca", days_left=9.0, state="warning", used_by=["api"]),
            item("/p/a.conf (certificate-authority-data)", "ca", kind="kubeconfig", used_by=["admin"], state="warning"),
            item("/p/api.crt", "one", sans=["dns:api", "ip:192.0.2.1"]),
            served("m1:6443", "one", "/p/api.crt", True),
            served("vip:6443", "two", "/p/api.crt", None),
        ],
        "problems": [],
    },
    "m2": {
        "certificates": [item("/p/api.crt", "two"), served("m2:6443", "old", "/p/api.crt", False)],
        "problems": ["m2:6443: serves old, but /p/api.crt holds two; restart api"],
    },
    "n1": {},
    "n2": {"failed": True, "msg": "no cryptography"},
}


def test_a_shared_endpoint_may_show_what_any_host_has() -> None:
    rows = report.gathered(LOOKS)
    assert [row["served_matches"] for row in rows if row["kind"] == "endpoint"] == [True, True, False]
    rows = report.gathered({**LOOKS, "m2": {"certificates": [], "problems": []}})
    assert report.problems({}, rows) == [
        "m1: vip:6443: serves two, but /p/api.crt of no host is that (one); restart what serves it"
    ]


def test_problems_name_their_host_also_an_unresponsive_one() -> None:
    assert report.problems(LOOKS, report.gathered(LOOKS)) == [
        "m2: m2:6443: serves old, but /p/api.crt holds two; restart api",
        "n1: was not reached; its certificates are unknown",
        "n2: could not be inspected: no cryptography",
    ]


def test_table_has_a_line_per_certificate_and_host_ordered_by_expiry() -> None:
    lines = report.table(report.gathered(LOOKS))
    assert [state for state, _line in lines] == ["state", "warning", "ok", "ok", "ok", "mismatch"]
    cells = [re.split(r"  +", line) for _state, line in lines]
    assert cells[1] == ["WARNING", "9", "m1", "x (a)", "-", "ca", "/p/ca.crt +1", "-", "api, admin"]
    assert cells[2] == ["ok", "364", "m1", "x (a)", "api, 192.0.2.1", "ca", "/p/api.crt", "m1:6443", "api"]
    assert len({line.index("x (a)") for _state, line in lines[1:]}) == 1


def test_long_lists_of_names_are_shortened() -> None:
    """As many as fit, in their order; a single one is never cut."""
    many = [f"dns:name-{number}.example.org" for number in range(12)] + ["uri:spiffe://x/y", "ip:2001:db8::1"]

    def shown(hosts: list[str]) -> str:
        looks = {"m1": {"certificates": [item("/p/x.crt", "x", sans=hosts)]}}
        return re.split(r"  +", report.table(report.gathered(looks))[1][1])[4]

    assert shown(many) == "name-0.example.org, name-1.example.org +12"
    assert shown(many[-2:]) == "spiffe://x/y, 2001:db8::1"
    assert shown(["dns:" + "a" * 60]) == "a" * 60
    assert shown(["dns:" + "a" * 60, "dns:b"]) == "a" * 60 + " +1"


def test_summary_has_the_colour_of_the_worst() -> None:
    rows = report.gathered({"m1": LOOKS["m1"]})
    state, line = report.summary(rows, [])
    assert (state, "/p/ca.crt on m1, in 9 days" in line) == ("warning", True)
    assert report.summary(rows, ["x"])[0] == "critical"
    assert report.summary([], [])[0] == "ok"


def test_metrics_are_unique_samples_below_their_description() -> None:
    first = item('/p/"a\\b', "x", sans=["dns:api", "ip:192.0.2.1"])
    looks = {"m1": {"certificates": [first], "problems": []}, "m2": LOOKS["m2"]}
    rows = report.gathered(looks)
    lines = report.metrics(looks, rows, report.problems(looks, rows), NOW).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    names = [re.match(r"[a-z_]+", line)[0] for line in samples]  # type: ignore[index]
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples) == 3 + 3 + 1 + 2 + 1
    assert names == sorted(names, key=names.index)
    assert 'where="/p/\\"a\\\\b"' in samples[0]
    assert 'names="api,192.0.2.1"' in samples[0]
    assert 'names=""' in samples[1]
    assert samples[3].endswith(" 1826668800")
    assert 'hardway_certificate_problems{host="m1"} 0' in samples
    assert 'hardway_certificate_problems{host="m2"} 1' in samples
    assert lines[-1] == "hardway_certificate_report_timestamp_seconds 1795219200"
