# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificate_report shows and returns in a play, from the results of pki_info; openssl gives days and digests."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.support.ca.openssl import make, server
from tests.support.ca.playbook import APPLY, CHECK, Outcome, openssl, play

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Outcome]:
    """Return a directory with certificates, where another one is served, and a run that reports on three hosts."""
    directory = tmp_path_factory.mktemp("report")
    mine, other = make(directory, "mine", EC), make(directory, "other", EC)
    with server(other) as address:
        looked = {
            "files": [{"path": str(mine), "used_by": ["api", "etcd"]}],
            "endpoints": [{"endpoint": address, "path": str(mine), "shared": True}],
            "warning_days": 60,
        }
        looks = {"here": "{{ r0 }}", "down": {}, "sick": {"failed": True, "msg": "no cryptography"}}
        report = {"hardway.kubernetes.certificate_report": {"inspections": looks}}
        tasks = [(APPLY, {"hardway.kubernetes.pki_info": looked}), (CHECK, report), (APPLY, report)]
        return directory, address, play(directory / "play", tasks)


def digest(path: Path) -> str:
    """Return the SHA-256 of a certificate, by openssl."""
    return openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]


def test_it_reports_the_same_in_check_mode_and_changes_nothing(report: tuple[Path, str, Outcome]) -> None:
    _directory, _address, outcome = report
    _look, checked, result = outcome.results
    assert outcome.changed == [False, False, False]
    assert [checked[name] for name in ("certificates", "problems", "expiring", "table")] == [
        result[name] for name in ("certificates", "problems", "expiring", "table")
    ]
    assert not result.get("failed"), "the play decides whether problems are a failure"


def test_problems_are_those_of_all_hosts(report: tuple[Path, str, Outcome]) -> None:
    directory, address, outcome = report
    served, held = (digest(directory / f"{name}.crt").replace(":", "").lower() for name in ("other", "mine"))
    assert sorted(outcome.results[-1]["problems"]) == [
        "down: was not reached; its certificates are unknown",
        f"here: {address}: serves {served}, but {directory}/mine.crt of no host is that ({held});"
        " restart what serves it",
        "sick: could not be inspected: no cryptography",
    ]


def test_the_table_is_shown_with_the_days_that_openssl_counts(report: tuple[Path, str, Outcome]) -> None:
    directory, address, outcome = report
    end = openssl("x509", "-in", directory / "mine.crt", "-noout", "-enddate").strip().partition("=")[2]
    left = datetime.strptime(end, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)
    result = outcome.results[-1]
    rows = [re.split(r"  +", line) for line in result["table"]]
    assert rows[0] == ["STATE", "DAYS", "HOST", "SUBJECT", "NAMES", "ISSUER", "WHERE", "SERVED AT", "USED BY"]
    by_place = {row[6]: row for row in rows[1:] if len(row) == 9}
    mine = by_place[f"{directory}/mine.crt"]
    assert (mine[0], mine[2], mine[3].partition(" ")[0], mine[8]) == ("WARNING", "here", "mine", "api, etcd")
    assert abs(int(mine[1]) - left.total_seconds() / 86400) < 1
    assert [(row[0], row[7]) for place, row in by_place.items() if place == "-"] == [("MISMATCH", address)]
    assert all(line in outcome.output for line in result["table"])
    assert "2 certificates in 2 places, 3 problems; the first to expire is" in result["table"][-1]
    assert [line.partition(": has")[0] for line in result["expiring"]] == [
        f"here: {directory}/mine.crt",
        f"here: {address}",
    ]


def test_the_metrics_are_what_a_collector_reads(report: tuple[Path, str, Outcome]) -> None:
    directory, _address, outcome = report
    result: dict[str, Any] = outcome.results[-1]
    samples = dict(line.rsplit(" ", 1) for line in result["metrics"].splitlines() if not line.startswith("#"))
    (mine,) = [name for name in samples if "not_after" in name and f'where="{directory}/mine.crt"' in name]
    end = openssl("x509", "-in", directory / "mine.crt", "-noout", "-enddate").strip().partition("=")[2]
    wanted = datetime.strptime(end, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=timezone.utc)
    assert int(samples[mine]) == int(wanted.timestamp())
    assert {host: samples[f'hardway_certificate_problems{{host="{host}"}}'] for host in ("here", "down", "sick")} == {
        "here": "1",
        "down": "1",
        "sick": "1",
    }
    assert [value for name, value in samples.items() if "served_matches" in name] == ["0"]
