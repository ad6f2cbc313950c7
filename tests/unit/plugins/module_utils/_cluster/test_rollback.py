# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ways back from an upgrade are open, and what stands in their way."""

from __future__ import annotations

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import rollback, upgrade

OLD, NEW = "1.35.6", "1.36.2"
SOAKS = {"former": OLD, "emulated": "1.35", "nodes": OLD}


def plan(servers: str, kubelets: str, state: dict[str, str], emulates: str = "", **changes: Any) -> dict[str, Any]:
    """Return the plan for servers m1, m2 … and nodes n1, n2 … with these versions."""
    facts: dict[str, Any] = {
        "asked": [],
        "known": [],
        "servers": {f"m{n}": version for n, version in enumerate(servers.split(), 1)},
        "kubelets": {f"n{n}": version for n, version in enumerate(kubelets.split(), 1)},
        "not_ready": [],
        "cordoned": [],
        "deprecated": [],
        "webhooks": [],
        "drains": {},
        "state": state,
        "emulates": dict.fromkeys(emulates.split(), "1.35"),
    }
    return rollback.plan(upgrade.Facts(**{**facts, **changes}))


def test_without_an_upgrade_there_is_nothing_to_go_back_from() -> None:
    found = plan(f"{OLD} {OLD}", OLD, {})
    assert found["text"] == [rollback.NOTHING] and not found["nodes"] and not found["masters"]
    # A way back that was closed by a later upgrade.
    assert plan("1.37.0", "1.37.0", {"former": OLD})["text"] == [rollback.NOTHING]
    assert plan("", OLD, SOAKS)["refusals"]


def test_a_control_plane_that_soaks_goes_back_and_keeps_that_until_it_is_done() -> None:
    found = plan(f"{NEW} {NEW}", f"{OLD} {OLD}", SOAKS, "m1 m2")
    assert (found["nodes"], found["masters"], found["to"], found["version"]) == (False, True, OLD, NEW)
    assert found["state"] == SOAKS and found["refusals"] == []
    nodes, masters, then = found["text"]
    assert nodes == f"Nodes: none is newer than {OLD}"
    assert masters == f"Control plane: can go back, since it soaks: m1, m2 to {OLD}, one host at a time"
    assert f"set cluster_kubernetes_version to {OLD}" in then
    # In the middle of an upgrade, or of a rollback; and with a node that such a run has left cordoned.
    middle = plan(f"{NEW} {OLD}", OLD, SOAKS, "m1", cordoned=["n1"], not_ready=["n1"])
    assert middle["masters"] and not middle["nodes"] and middle["refusals"] == []


def test_a_control_plane_without_soak_time_does_not_go_back_and_nodes_do() -> None:
    found = plan(f"{NEW} {NEW}", f"{NEW} {OLD}", {"former": OLD})
    assert (found["nodes"], found["masters"], found["state"]) == (True, False, {"former": OLD, "nodes": OLD})
    nodes, masters, then = found["text"]
    assert nodes == f"Nodes: can go back: n1 to {OLD}, drained, before the control plane"
    assert masters.startswith(
        "Control plane: cannot go back: 1.36.2 may have stored objects in a form that 1.35 does not"
    )
    assert "only a restore of the backup taken before the upgrade leads back" in masters
    assert f"leave cluster_kubernetes_version at {NEW}" in then and f"the nodes at {OLD} until upgrade.yml" in then
    # Once they are back, again is nothing to do; where they were never upgraded, they stay.
    again = plan(f"{NEW} {NEW}", f"{OLD} {OLD}", {"former": OLD, "nodes": OLD})
    assert not again["nodes"] and not again["masters"]
    assert plan(f"{NEW} {NEW}", f"{OLD} {OLD}", {"former": OLD})["nodes"]


def test_one_api_server_that_has_run_as_the_new_version_closes_the_way_back() -> None:
    for found in (plan(f"{NEW} {NEW}", OLD, SOAKS, "m1"), plan(f"{NEW} {NEW}", OLD, {"former": OLD}, "m1 m2")):
        assert not found["masters"] and "cannot go back" in found["text"][1]
    # The upgrade without soak time stopped between two masters: a run of site would take it forward.
    mixed = plan(f"{NEW} {OLD}", OLD, {"former": OLD})
    assert not mixed["masters"] and not mixed["nodes"]
    assert f"m1 run {NEW}, others {OLD}; finish: upgrade.yml -e to={NEW}" in mixed["text"][2]


def test_an_api_server_that_does_not_start_goes_back_while_it_soaks() -> None:
    for servers, emulates in ((OLD, ""), (NEW, "m1")):
        found = plan(servers, OLD, SOAKS, emulates, down=["m2"])
        assert found["masters"] and found["down"] == ["m2"]
        assert "can go back, since it soaks" in found["text"][1]
        closed = plan(servers, OLD, {"former": OLD}, down=["m2"])
        assert not closed["masters"] and not closed["nodes"]
        assert "API servers: those of m2 do not answer" in closed["text"]


def test_an_upgrade_that_was_recorded_and_had_not_begun_is_forgotten() -> None:
    found = plan(f"{OLD} {OLD}", OLD, SOAKS)
    assert found["masters"] and found["text"][1] == "Control plane: runs 1.35, and does not soak"


def test_what_stands_in_the_way_of_drains_and_flags_is_refused() -> None:
    flag = {"binary": "kubelet", "variable": "node_kubelet_args", "hosts": ["n1"], "error": "", "gates": []}
    given = {"drains": {"n1": {"msg": "node n1: full"}, "n2": {"msg": "unrelated"}}, "not_ready": ["n2"]}
    found = plan(NEW, f"{NEW} {OLD}", {"former": OLD}, flags=[{**flag, "unknown": ["--new"]}], **given)
    assert found["refusals"] == [
        "nodes n2: not Ready; repair them, or remove them with remove_node",
        f"node_kubelet_args of n1: kubelet {OLD} does not know --new; remove it from the variable",
        "node n1: full",
    ]
