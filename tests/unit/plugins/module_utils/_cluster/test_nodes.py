# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of hosts by inventory and facts, and which hosts have answered."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import host_addresses

FACTS = {"ansible_facts": {"architecture": "x86_64", "default_ipv4": {"address": "192.0.2.99"}}}


@pytest.mark.parametrize(
    ("host", "variables", "address"),
    [
        ("k1", {**FACTS, "ansible_host": "192.0.2.11", "cluster_node_ip": "198.51.100.1"}, "198.51.100.1"),
        ("k1", {**FACTS, "ansible_host": "192.0.2.11"}, "192.0.2.11"),
        ("192.0.2.12", FACTS, "192.0.2.12"),
        ("k1", {**FACTS, "ansible_host": "k1.example.org"}, "192.0.2.99"),
        ("k1", {"ansible_host": "k1.example.org"}, ""),
    ],
)
def test_an_address_is_given_or_found(host: str, variables: dict[str, Any], address: str) -> None:
    assert host_addresses([host], {host: variables})[0]["address"] == address


def test_a_host_that_answered_in_this_run_was_reached() -> None:
    answer, none = {"_cluster_preflight": {"changed": False}}, {"_cluster_preflight": {"unreachable": True}}
    hostvars = {"k1": {**FACTS, **none}, "k2": {**FACTS, **answer}, "k3": FACTS}
    reached = {member["host"]: member["reached"] for member in host_addresses(hostvars, hostvars)}
    assert reached == {"k1": False, "k2": True, "k3": False}, "facts from a cache are no answer"


def test_where_no_host_was_queried_facts_count_as_an_answer() -> None:
    hostvars = {"k1": {}, "k2": FACTS}
    assert [member["reached"] for member in host_addresses(hostvars, hostvars)] == [False, True]
