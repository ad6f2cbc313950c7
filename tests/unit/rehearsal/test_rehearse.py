# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's inventory on other addresses, and a report that tells no secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal import overlay, report

HOSTS = ["k1", "k11"]
GIVEN = {"k1": "198.18.0.11", "k11": "198.18.0.12"}
VIRTUAL = "198.18.0.250"
VARIABLES: dict[str, Any] = {
    "k1": {
        "ansible_host": "10.0.0.1",
        "ansible_user": "ops",
        "cluster_api_vip": "10.0.0.100",
        "cluster_api_endpoint": "10.0.0.100:6443",
        "cluster_api_extra_sans": ["10.0.0.1", "10.0.0.11", "10.0.0.1.example.org", "api.example.org"],
        "keepalived_interface": "ens18",
        "cluster_name": "shop",
    },
    "k11": {"ansible_host": "10.0.0.11", "cluster_api_vip": "10.0.0.100"},
}


def test_only_whole_addresses_change() -> None:
    found = overlay.overlay(HOSTS, VARIABLES, GIVEN, VIRTUAL, {})
    first = found["k1"]
    assert first["ansible_host"] == "198.18.0.11" and first["ansible_user"] == "root"
    assert first["cluster_api_endpoint"] == "198.18.0.250:6443"
    sans = ["198.18.0.11", "198.18.0.12", "198.18.0.11.example.org", "api.example.org"]
    assert first["cluster_api_extra_sans"][:2] == sans[:2] and first["cluster_api_extra_sans"][3] == sans[3]
    assert first["keepalived_interface"] == ""
    assert "cluster_name" not in first, "what does not differ is left to the operator's inventory"
    assert found["k11"]["cluster_api_vip"] == VIRTUAL


def test_hosts_come_from_our_groups_and_their_children() -> None:
    listed = {
        "etcd": {"hosts": ["b"]},
        "master": {"children": ["rack"]},
        "rack": {"hosts": ["a", "b"]},
        "other": {"hosts": ["x"]},
    }
    assert overlay.members(listed) == ["b", "a"]


def test_a_name_of_the_endpoint_is_found() -> None:
    assert overlay.endpoint_name({"a": {"cluster_api_endpoint": "api.example.org:6443"}}) == "api.example.org"
    assert overlay.endpoint_name(VARIABLES) == ""


def test_the_report_tells_no_secrets(tmp_path: Path) -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"
    path = tmp_path / "file"
    path.write_text(f"{key}    client-key-data: c2VjcmV0\n    token: c2VjcmV0\n  auth_pass c2VjcmV0\nplain: shown\n")
    assert "c2VjcmV0" not in report.shown(path)
    assert "plain: shown" in report.shown(path)
