# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_health against three real members."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api.programs import RealEtcd, binary

Run = Callable[..., dict[str, Any]]


def etcdctl(etcd: RealEtcd, *arguments: str) -> str:
    """Return what etcdctl reports."""
    program = binary("etcdctl")
    if program is None:
        pytest.skip("etcdctl not found")
    flags = [f"--endpoints={','.join(etcd.endpoints)}", f"--cacert={etcd.ca.ca}"]
    flags += [f"--cert={etcd.client}.crt", f"--key={etcd.client}.key"]
    return subprocess.run([program, *flags, *arguments], check=True, capture_output=True, text=True).stdout


def test_waits_for_formation_and_names_leader(etcd: RealEtcd, run_module: Run) -> None:
    result = run_module("etcd_health", **etcd.arguments(), expected_members=etcd.names)
    assert result["healthy"] and not result["changed"], result
    assert result["leader"] in etcd.names
    assert {member["name"] for member in result["members"]} == set(etcd.names)
    leader = next(member for member in result["members"] if member["name"] == result["leader"])
    assert leader["id"] in etcdctl(etcd, "endpoint", "status")
    assert all(member["db_size"] > 0 and member["version"] == result["versions"][0] for member in result["members"])


def test_unexpected_and_missing_members(etcd: RealEtcd, run_module: Run) -> None:
    result = run_module("etcd_health", **etcd.arguments(), expected_members=["m1", "m2", "other"], timeout=0)
    assert result["failed"]
    assert "member other is missing" in result["msg"] and "member m3 is not expected" in result["msg"]
    fewer = {**etcd.arguments(), "endpoints": etcd.endpoints[:2]}
    assert "not among the queried endpoints" in run_module("etcd_health", **fewer, timeout=0)["msg"]


def test_stopped_member_and_lost_quorum(etcd: RealEtcd, run_module: Run) -> None:
    etcd.programs.stop("m3")
    try:
        result = run_module("etcd_health", **etcd.arguments(), timeout=0, required=False)
        assert not result["healthy"] and not result.get("failed")

        # If it was the leader, the others are healthy again as soon as one of them leads.
        def one_is_lost() -> bool:
            result.update(run_module("etcd_health", **etcd.arguments(), timeout=0, required=False))
            return [member["healthy"] for member in result["members"]] == [True, True, False]

        etcd.programs.wait_until("m1", one_is_lost, 10)
        assert "m3" not in etcd.names or any("refused" in problem for problem in result["problems"])
        etcd.programs.stop("m2")
        try:
            lost = run_module("etcd_health", **etcd.arguments(), timeout=5)
            assert lost["failed"] and not any(member["healthy"] for member in lost["members"])
        finally:
            etcd.start("m2")
    finally:
        etcd.start("m3")
    assert run_module("etcd_health", **etcd.arguments())["healthy"]


def test_alarm_is_reported(etcd: RealEtcd, run_module: Run) -> None:
    from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.health import Etcd
    from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls

    arguments = etcd.arguments()
    client = Etcd(etcd.endpoints, Tls(ca=str(arguments["ca"]), cert=str(arguments["cert"]), key=str(arguments["key"])))
    assert run_module("etcd_health", **arguments)["healthy"]
    client.call(etcd.endpoints[0], "/v3/maintenance/alarm", b'{"action": "ACTIVATE", "alarm": "NOSPACE"}')
    try:
        found = run_module("etcd_health", **arguments, timeout=0)
        assert found["failed"] and found["alarms"] and found["alarms"][0].startswith("NOSPACE on "), found
    finally:
        etcdctl(etcd, "alarm", "disarm")
    assert run_module("etcd_health", **arguments)["alarms"] == []


def test_check_mode_without_etcd(run_module: Run, tmp_path: Any) -> None:
    nowhere = {"endpoints": ["https://127.0.0.1:1"], "ca": "/absent", "cert": "/absent", "key": "/absent"}
    result = run_module("etcd_health", check=True, **nowhere)
    assert not result.get("failed") and not result["healthy"] and not result["changed"]
    assert run_module("etcd_health", **nowhere, timeout=0)["failed"]


def test_enabled_authentication_leaves_metrics(tmp_path: Any, etcd: RealEtcd, run_module: Run) -> None:
    alone = RealEtcd(tmp_path, size=1)
    try:
        alone.start("m1")
        assert run_module("etcd_health", **alone.arguments())["healthy"]
        etcdctl(alone, "user", "add", "root", "--no-password")
        etcdctl(alone, "user", "grant-role", "root", "root")
        etcdctl(alone, "auth", "enable")
        result = run_module("etcd_health", **alone.arguments(), expected_members=["m1"], timeout=5)
        assert result["healthy"] and result["members"][0]["db_size"] > 0 and result["leader"], result
    finally:
        alone.programs.stop_all()
