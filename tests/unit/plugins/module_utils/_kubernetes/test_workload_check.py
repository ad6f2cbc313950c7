# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where test pods run, and which nodes a failed probe casts doubt on."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.workload_check import daemon_set, suspects


def test_pods_on_chosen_nodes_only() -> None:
    assert "affinity" not in daemon_set("pause")["spec"]["template"]["spec"]
    affinity = daemon_set("pause", nodes=["w7", "w8"])["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    # A term may name one node only.
    assert [term["matchFields"][0]["values"] for term in terms] == [["w7"], ["w8"]]


def test_both_ends_of_a_failed_probe_are_suspects() -> None:
    assert suspects("w7", ["pod on w8", "service address"]) == ["w7", "w8"]
    assert suspects("w7", ["dns kubernetes.default"]) == ["w7"]
    assert suspects("w7", []) == []
