# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults that a role repeats for hosts that do not run the other role must stay the same."""

from __future__ import annotations

import pytest

from dev.tools.check_specs import compare_repeated

DEFAULTS = {
    "etcd_data_dir": "/var/lib/etcd",
    "haproxy_check_fall": 2,
    "host_skip_checks": [],
    "addons_coredns": True,
    "master_shutdown_delay": "{{ 30 if _cluster_groups.lb else 5 }}",
}


@pytest.mark.parametrize(
    "text",
    [
        "{{ etcd_data_dir | default('/var/lib/etcd') }}",
        "map('extract', hostvars, 'haproxy_check_fall') | map('default', 2) | list",
        "{{ host_skip_checks | default([]) | typed('list') }}",
        "{{ addons_coredns | default(true) }}",
        "{{ master_shutdown_delay | default(7) }}",
        "{{ etcd_data_dir | default(_another) }} {{ item.state | default('present') }}",
    ],
)
def test_the_same_value_and_a_computed_default_are_accepted(text: str) -> None:
    assert compare_repeated("cluster", text, DEFAULTS) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ etcd_data_dir | default('/data/etcd') }}", "etcd_data_dir"),
        ("map('extract', hostvars, 'haproxy_check_fall') | map('default', 3) | list", "haproxy_check_fall"),
        ("{{ addons_coredns | default(false) }}", "addons_coredns"),
    ],
)
def test_another_value_is_reported(text: str, name: str) -> None:
    (problem,) = compare_repeated("cluster", text, DEFAULTS)
    assert problem.startswith(f"cluster: repeats the default of {name} as ")
