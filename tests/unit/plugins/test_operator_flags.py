# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags that the inventory sets, once for all hosts with the same ones."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.filter.operator_flags import operator_flags

HOSTVARS = {
    "m1": {"args": {"v": 2, "profiling": None, "gates": {"A": True, "B": False}}},
    "m2": {"args": '{"v": 2, "gates": {"A": true, "B": false}}'},
    "m3": {"args": {"v": 4}},
    "m4": {"args": {}},
    "m5": {},
}


def test_hosts_with_the_same_flags_are_joined() -> None:
    asked = [{"binary": "kubelet", "variable": "args", "hosts": sorted(HOSTVARS)}]
    same = {"binary": "kubelet", "variable": "args"}
    assert operator_flags(asked, HOSTVARS) == [
        {**same, "hosts": ["m1", "m2"], "flags": ["--v=2", "--gates=A=true,B=false"]},
        {**same, "hosts": ["m3"], "flags": ["--v=4"]},
    ]
    assert operator_flags([{**asked[0], "variable": "other"}], HOSTVARS) == []
