# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role status inspects on a host, from which host it queries the cluster, and what it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"k1": "192.0.2.1", "k2": "192.0.2.2", "e1": "192.0.2.5", "lb1": "192.0.2.8"}
GROUPS = {"etcd": ["e1"], "master": ["k1", "k2"], "node": ["k2"], "lb": ["lb1"]}
REACHED: dict[str, Any] = {"units": []}
UNREACHABLE: dict[str, Any] = {"unreachable": True, "msg": "Connection timed out"}
NONE: dict[str, Any] = {"host": "lb1", "msg": ""}
SKIPPED: dict[str, Any] = {"skipped": True, "changed": False}
REPORT = {"severity": "ok", "report": {"findings": [], "cluster": "ü"}, "metrics": "a 1\n", "html": "<!DOCTYPE html>"}


def status(results: dict[str, dict[str, Any]], **settings: Any) -> Rendered:
    """Return role status after the inspection of the hosts."""
    hostvars = {
        name: {"ansible_host": address, **({"_status_host": results[name]} if name in results else {})}
        for name, address in HOSTS.items()
    }
    hostvars = {name: {**values, **settings.get("facts", {}).get(name, {})} for name, values in hostvars.items()}
    return Rendered("status", "k1", HOSTS, GROUPS, hostvars=hostvars, ansible_play_hosts_all=list(HOSTS), **settings)


def units(host: str) -> dict[str, dict[str, str]]:
    """Return the inspected units of a host by name."""
    return {unit["unit"]: unit for unit in status({}, inventory_hostname=host).value("_status_units")}


def test_units_of_the_groups_are_inspected() -> None:
    assert set(units("k1")) == {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}
    assert set(units("k2")) == set(units("k1")) | {"containerd", "kubelet", "kube-proxy", "flanneld"}
    assert set(units("lb1")) == {"haproxy", "keepalived"}
    assert units("e1")["etcd"]["url"] == "https://127.0.0.1:2379/health"
    assert units("k2")["kubelet"]["url"] == "http://127.0.0.1:10248/healthz"
    assert "url" not in units("k1")["kube-apiserver"], "the API servers are queried all together"


@pytest.mark.parametrize(
    ("reached", "source", "client"),
    [
        (("k1", "k2", "e1"), "k1", "apiserver-etcd-client.crt"),
        (("k2", "e1"), "k2", "apiserver-etcd-client.crt"),
        (("e1", "lb1"), "e1", "healthcheck-client.crt"),
        (("lb1",), "", ""),
    ],
)
def test_the_cluster_is_queried_from_any_host_that_can(reached: tuple[str, ...], source: str, client: str) -> None:
    role = status({name: REACHED if name in reached else UNREACHABLE for name in HOSTS})
    assert role.value("_status_source") == source
    if source:
        assert role.value("_status_etcd")["cert"].endswith(client)
        assert role.value("_status_from_master") == (source != "e1")


def test_every_host_has_a_result() -> None:
    """k2 was not reached when its address was gathered, so it was not tried again; lb1 had failed before."""
    role = status({"k1": REACHED, "k2": SKIPPED, "e1": UNREACHABLE}, facts={"k2": {"_status_facts": UNREACHABLE}})
    assert role.value("_status_hosts") == {"k1": REACHED, "k2": UNREACHABLE, "e1": UNREACHABLE, "lb1": NONE}


def test_of_a_failed_host_only_the_reason_is_used() -> None:
    failed = {"failed": True, "msg": "Timed out after 3 second(s).", "timedout": {"frame": "a"}}
    found = status({"k1": REACHED, "k2": failed}).value("_status_hosts")
    assert found["k2"] == {"host": "k2", "msg": "Timed out after 3 second(s)."}


def test_only_named_reports_are_written() -> None:
    assert status({}, _status_report=REPORT).value("_status_reports") == []
    names = {"status_json": "/r/a.json", "status_textfile": "/r/a.prom", "status_html": "/r/a.html"}
    files = {
        item["path"]: item["content"] for item in status({}, _status_report=REPORT, **names).value("_status_reports")
    }
    assert json.loads(files["/r/a.json"]) == REPORT["report"]
    assert files["/r/a.json"].endswith("}\n") and "ü" in files["/r/a.json"]
    assert (files["/r/a.prom"], files["/r/a.html"]) == (REPORT["metrics"], REPORT["html"])
