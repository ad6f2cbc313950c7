# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of other hosts, and the problems of hosts without one."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_results import (
    host_results,
    unchecked_hosts,
)


def test_the_first_result_with_the_attribute_counts() -> None:
    hostvars = {
        "a": {"check": {"found": ["data"]}, "cached": {"found": []}},
        "b": {"check": {"skipped": True}, "cached": {"found": ["formed"]}},
        "c": {"check": {"skipped": True}},
        "d": {},
        "e": {"check": {"found": [], "failed": True}},
    }
    found = host_results(list(hostvars), hostvars, ["check", "cached"], "found")
    assert {host: result["found"] for host, result in found.items()} == {"a": ["data"], "b": ["formed"]}


def test_a_host_without_a_check_is_one_problem_with_its_remedy() -> None:
    results = {
        "n1": {"problems": ["clock"]},
        "n2": {"unreachable": True, "msg": "timed out"},
        "n3": {"failed": True, "msg": "no module named json"},
        "n4": {"failed": True},
    }
    lost, failed, unknown = unchecked_hosts(results)
    assert lost.startswith("host n2: not reached; fix the connection (try: ansible n2 -m ansible.builtin.ping)")
    assert failed == "host n3: not checked: no module named json; fix that and run again"
    assert unknown == "host n4: not checked: no reason given; fix that and run again"
