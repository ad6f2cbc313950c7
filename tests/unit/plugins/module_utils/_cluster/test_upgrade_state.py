# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster record says about an upgrade, and which ways back that opens."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import record, upgrade_state

SOAKS = {"former": "1.35.6", "emulated": "1.35", "nodes": "1.35.6"}
DONE = {"former": "1.35.6"}


def test_only_known_fields_with_values_are_read() -> None:
    assert upgrade_state.valid({**SOAKS, "other": 1}) == SOAKS
    assert upgrade_state.valid({"former": "1.35.6", "emulated": "", "nodes": None}) == DONE
    assert upgrade_state.valid(None) == upgrade_state.valid([]) == {}


def test_an_api_server_counts_more_than_the_copies_and_of_these_one_that_emulates() -> None:
    assert upgrade_state.chosen([DONE], [SOAKS]) == DONE
    assert upgrade_state.chosen([{}], [SOAKS]) == {}
    assert upgrade_state.chosen([], [DONE, SOAKS, {}]) == SOAKS
    assert upgrade_state.chosen([], []) == {}


@pytest.mark.parametrize(
    ("state", "version", "expected"),
    [
        (SOAKS, "1.36.2", True),
        (SOAKS, "1.36.3", True),
        (SOAKS, "1.35.6", False),
        (SOAKS, "1.37.0", False),
        (DONE, "1.36.2", False),
        ({}, "1.36.2", False),
    ],
)
def test_api_servers_soak_one_minor_above(state: dict[str, str], version: str, expected: bool) -> None:
    assert upgrade_state.soaks(state, version) is expected


def test_a_soak_time_begins_with_the_version_before_and_keeps_the_nodes() -> None:
    old, new = "1.35.6", "1.36.2"
    assert upgrade_state.of_hop({}, new, [old], ["1.35.5", old], soak=True) == SOAKS
    # Interrupted: some masters have the new version, and the record knows the former one.
    assert upgrade_state.of_hop(SOAKS, new, [old, new], [old], soak=True) == SOAKS
    assert upgrade_state.of_hop({}, new, [old], [old]) == DONE
    # Between masters and nodes, by a run whose record was lost.
    assert upgrade_state.of_hop({}, new, [new], [old, new]) == DONE
    assert upgrade_state.of_hop(SOAKS, new, [new], [old]) == DONE
    # A newer patch has no other way back, and a next minor has another one.
    assert upgrade_state.of_hop(DONE, "1.36.3", [new], [new]) == DONE
    assert upgrade_state.of_hop(DONE, "1.37.0", [new], [new]) == {"former": new}
    assert upgrade_state.of_hop({}, "1.36.3", [new], [new]) == {}


def test_the_minor_that_an_api_server_emulates() -> None:
    answer = {"gitVersion": "v1.36.2", "emulationMajor": "1", "emulationMinor": "35"}
    assert upgrade_state.emulated(answer) == "1.35"
    assert upgrade_state.emulated({**answer, "emulationMinor": "36"}) == ""
    assert upgrade_state.emulated({"gitVersion": "v1.32.1"}) == ""


def test_ways_back() -> None:
    (soaking,) = upgrade_state.ways_back(SOAKS, "1.36.2")
    assert "rollback.yml brings the control plane to 1.35.6 again, until upgrade.yml -e finish=true" in soaking
    nodes, masters = upgrade_state.ways_back(DONE, "1.36.2")
    assert nodes == "Way back: rollback.yml brings the nodes to 1.35.6 again"
    assert masters.startswith("No way back for API servers without a soak time: 1.36.2 may have stored objects")
    assert [*upgrade_state.ways_back({}, "1.36.2")] == [*upgrade_state.ways_back(DONE, "1.35.6")] == []


def test_the_record_keeps_the_state_until_the_former_minor_runs_again() -> None:
    before = record.updated({}, {"name": "k", "upgrade": SOAKS}, None, "id")
    assert before["upgrade"] == SOAKS
    after = record.updated(before, {"versions": {"kubernetes": "1.36.2"}}, None, "")
    assert after["upgrade"] == SOAKS
    assert "upgrade" not in record.updated(after, {"versions": {"kubernetes": "1.35.6"}}, None, "")
    assert "upgrade" not in record.updated(after, {"upgrade": {}}, None, "")
    # A run that records nothing of this leaves it.
    assert record.updated(after, {"name": "k"}, None, "") == after
