# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which versions an upgrade goes, what stands in its way, and which nodes are upgraded together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import node_batches, upgrade
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

KNOWN = ["1.36.2", "1.35.5", "1.35.10", "1.34.8"]


def facts(**changes: Any) -> upgrade.Facts:
    """Return the facts of a cluster of two hosts that goes from 1.35.6 to 1.36.2."""
    found: dict[str, Any] = {
        "asked": ["1.36.2"],
        "known": KNOWN,
        "servers": {"m1": "1.35.6", "m2": "1.35.6"},
        "kubelets": {"m1": "1.35.6", "w1": "1.35.6"},
        "not_ready": [],
        "cordoned": [],
        "deprecated": [],
        "webhooks": [],
        "drains": {},
    }
    return upgrade.Facts(**{**found, **changes})


@pytest.mark.parametrize(
    ("asked", "servers", "kubelets", "hops"),
    [
        ("1.36.2", "1.35.6", "1.35.6", ["1.36.2"]),
        # The newest known release of each minor on the way, by number and not by letter.
        ("1.36.2", "1.34.9", "1.34.9", ["1.35.10", "1.36.2"]),
        ("1.35.6,1.36.2", "1.34.9", "1.34.9", ["1.35.6", "1.36.2"]),
        ("1.36.2", "1.36.1", "1.36.1", ["1.36.2"]),
        ("1.36.2", "1.36.2", "1.36.2", []),
        # Interrupted between masters and nodes, and between two masters.
        ("1.36.2", "1.36.2", "1.36.2 1.35.6", ["1.36.2"]),
        ("1.36.2", "1.36.2 1.35.6", "1.35.6", ["1.36.2"]),
        ("1.36.2", "1.35.6", "1.34.9", ["1.35.6", "1.36.2"]),
        ("1.36.2", "1.35.6 1.34.9", "1.34.9", ["1.35.6", "1.36.2"]),
    ],
)
def test_hops(asked: str, servers: str, kubelets: str, hops: list[str]) -> None:
    running = [{f"h{n}": version for n, version in enumerate(text.split())} for text in (servers, kubelets)]
    assert upgrade.targets(asked.split(","), *running, KNOWN) == hops


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("1.36", "1.36 is not a version such as 1.36.2"),
        ("v1.36.2", "v1.36.2 is not a version"),
        ("1.35.5", "run 1.35.6, and 1.35.5 is older; a downgrade is not possible"),
        ("2.0.0", "another major version"),
        ("1.38.0", r"no release of 1\.37 is known, .* name one, as -e to=1\.37\.X,1\.38\.0"),
    ],
)
def test_versions_that_cannot_be_reached(asked: str, message: str) -> None:
    with pytest.raises(HardwayError, match=message):
        upgrade.targets([asked], {"m1": "1.35.6"}, {"m1": "1.35.6"}, KNOWN)
    assert upgrade.plan(facts(asked=[asked]))["hops"] == []


def test_a_plan_names_each_step_and_how_nodes_are_upgraded() -> None:
    found = upgrade.plan(facts(kubelets={"m1": "1.35.6", "w1": "1.36.1", "w2": "1.35.5"}))
    assert found["text"][:1] == [
        "To 1.36.2: control plane of m1, m2, one host at a time, from 1.35.6; then nodes m1, w2, drained, from"
        " 1.35.5 and 1.35.6; then nodes w1, without a drain, from 1.36.1"
    ]
    assert found["refusals"] == [] and found["hops"] == ["1.36.2"]
    done = {"servers": {"m1": "1.36.2"}, "kubelets": {"m1": "1.36.2"}}
    assert upgrade.plan(facts(**done))["text"] == ["Everything runs 1.36.2."]
    # A node that an interrupted upgrade has left cordoned is something to do.
    again = upgrade.plan(facts(**done, cordoned=["m1"]))
    assert again["hops"] == ["1.36.2"] and "finish what was interrupted" in again["text"][0]


SOAKS = {"former": "1.35.6", "emulated": "1.35", "nodes": "1.35.6"}
SOAKING: dict[str, Any] = {
    "state": SOAKS,
    "servers": {"m1": "1.36.2", "m2": "1.36.2"},
    "emulates": {"m1": "1.35", "m2": "1.35"},
}


def test_a_soak_time_keeps_the_nodes_and_says_the_way_back() -> None:
    found = upgrade.plan(facts(soak=True))
    assert (found["hops"], found["states"], found["refusals"]) == (["1.36.2"], [SOAKS], [])
    steps, soak, back = found["text"]
    assert steps == "To 1.36.2: control plane of m1, m2, one host at a time, from 1.35.6"
    assert soak.startswith("Soak time: the control plane emulates 1.35, and nodes stay at 1.35.6")
    assert "until upgrade.yml -e finish=true ends the soak time" in back and found["back"] == [back]
    # Nodes that stay are not drained.
    assert upgrade.plan(facts(soak=True, drains={"w1": {"msg": "node w1: full"}}))["refusals"] == []
    # Interrupted, it goes on with it, whether it is asked again or not.
    middle = {**SOAKING, "servers": {"m1": "1.36.2", "m2": "1.35.6"}, "emulates": {"m1": "1.35"}}
    for soak in (True, False):
        assert upgrade.plan(facts(**middle, soak=soak))["states"] == [SOAKS]
        done = upgrade.plan(facts(**SOAKING, soak=soak))
        assert done["hops"] == [] and done["text"][0].startswith("The API servers run 1.36.2 and soak as 1.35")
    # A newer patch soaks on.
    assert upgrade.plan(facts(**SOAKING, asked=["1.36.3"]))["states"] == [SOAKS]


def test_a_control_plane_alone_leaves_the_nodes_within_the_version_skew() -> None:
    found = upgrade.plan(facts(masters_only=True, drains={"w1": {"msg": "node w1: full"}}))
    assert found["states"] == [{"former": "1.35.6", "nodes": "1.35.6"}] and found["refusals"] == []
    steps, stay, back = found["text"]
    assert steps == "To 1.36.2: control plane of m1, m2, one host at a time, from 1.35.6"
    assert stay.startswith("Nodes stay at 1.35.6") and back.startswith("No way back for API servers")
    # Interrupted or done, it keeps them; without the scope, they follow.
    later: dict[str, Any] = {"state": found["states"][0], "servers": {"m1": "1.36.2", "m2": "1.36.2"}}
    assert upgrade.plan(facts(**later | {"servers": {"m1": "1.36.2", "m2": "1.35.6"}}, masters_only=True))[
        "states"
    ] == [{"former": "1.35.6", "nodes": "1.35.6"}]
    done = upgrade.plan(facts(**later, masters_only=True))
    assert (done["hops"], done["text"][0]) == ([], "The control plane runs 1.36.2; nodes run 1.35.6.")
    nodes = upgrade.plan(facts(**later))
    assert nodes["states"] == [{"former": "1.35.6"}] and "nodes m1, w1, drained" in nodes["text"][0]
    # Over several minors, the nodes keep what they run.
    old = {"servers": {"m1": "1.34.8"}, "kubelets": {"m1": "1.34.8"}}
    assert [one["nodes"] for one in upgrade.plan(facts(**old, masters_only=True))["states"]] == ["1.34.8", "1.34.8"]
    (refused,) = upgrade.plan(facts(masters_only=True, kubelets={"w1": "1.32.1"}))["refusals"]
    assert refused == "scope: nodes w1 would be more than 3 minors behind; upgrade them first"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({**SOAKING, "asked": ["1.37.0"]}, "to: the control plane soaks as 1.35; end that first with -e finish=true"),
        (
            {"soak": True, "servers": {"m1": "1.34.8"}, "kubelets": {"m1": "1.34.8"}},
            "upgrade_soak: for one minor at a time, and this upgrade goes by 1.35.10, 1.36.2; upgrade to 1.35.10",
        ),
        (
            {"soak": True, "servers": {"m1": "1.36.2", "m2": "1.35.6"}},
            "upgrade_soak: the API servers of m1 run 1.36.2 without it, and may have stored",
        ),
        (
            {"soak": True, "kubelets": {"m1": "1.35.6", "w1": "1.36.1"}},
            "upgrade_soak: nodes run 1.35.6 and 1.36.1; upgrade them to one minor first",
        ),
        (
            {"soak": True, "kubelets": {"w1": "1.32.1"}},
            "upgrade_soak: nodes w1 would be more than 3 minors behind",
        ),
        ({"finish": True, "state": {"former": "1.34.8", "nodes": "1.34.8"}}, "finish: the control plane does not soak"),
    ],
)
def test_no_soak_time_where_it_would_not_keep_the_way_back(changes: dict[str, Any], message: str) -> None:
    (line,) = upgrade.plan(facts(**changes))["refusals"]
    assert line.startswith(message)


def test_the_end_of_a_soak_time_takes_the_nodes_along() -> None:
    found = upgrade.plan(facts(**SOAKING, finish=True))
    assert (found["hops"], found["states"]) == (["1.36.2"], [{"former": "1.35.6"}])
    assert found["text"][0] == (
        "To 1.36.2: control plane of m1, m2, one host at a time, ends its soak time; then nodes m1, w1, drained, from"
        " 1.35.6"
    )
    assert "brings the nodes to 1.35.6 again" in found["text"][1]
    # Interrupted: the record is written first.
    half = {**SOAKING, "state": {"former": "1.35.6"}, "emulates": {"m2": "1.35"}}
    assert "control plane of m2, one host at a time, ends" in upgrade.plan(facts(**half, finish=True))["text"][0]
    done = {**SOAKING, "state": {"former": "1.35.6"}, "emulates": {}, "kubelets": {"w1": "1.36.2"}}
    assert upgrade.plan(facts(**done, finish=True))["hops"] == []


def test_nodes_that_went_back_are_taken_along_by_the_next_upgrade() -> None:
    after = {"servers": {"m1": "1.36.2"}, "state": {"former": "1.35.6", "nodes": "1.35.6"}}
    assert upgrade.plan(facts(**after))["states"] == [{"former": "1.35.6"}]
    # Also where none is behind any more, so that the record forgets it.
    assert upgrade.plan(facts(**after, kubelets={"w1": "1.36.2"}))["hops"] == ["1.36.2"]


def test_each_hop_has_its_way_back() -> None:
    found = upgrade.plan(facts(servers={"m1": "1.34.8"}, kubelets={"m1": "1.34.8"}))
    assert found["states"] == [{"former": "1.34.8"}, {"former": "1.35.10"}]


def test_everything_that_stands_in_the_way_is_reported_at_once() -> None:
    old, later = {"api": "a/v1/x", "removed": "1.36"}, {"api": "a/v1/y", "removed": "1.37"}
    refused = {"m1": {"msg": "node m1: pods without a controller"}, "w1": {"plan": {}}, "gone": {"msg": "unrelated"}}
    given = facts(not_ready=["w1"], webhooks=["policy (x)"], deprecated=[old, later], drains=refused)
    found = upgrade.plan(given)
    assert [text.partition(":")[0] for text in found["refusals"]] == [
        "nodes w1",
        "webhook policy (x)",
        "API a/v1/x",
        "node m1",
    ]
    assert found["warnings"] == ["API a/v1/y: clients use it, and 1.37 removes it"]
    forced = upgrade.plan(facts(webhooks=["policy (x)"], deprecated=[old], forced=["apis", "webhooks"]))
    assert forced["refusals"] == []
    # A node that is not Ready because the upgrade was interrupted there stands in no way.
    assert upgrade.plan(facts(not_ready=["w1"], cordoned=["w1"]))["refusals"] == []
    # Nothing is drained for a patch.
    patch = facts(asked=["1.35.10"], drains=refused)
    assert upgrade.plan(patch)["refusals"] == []


def test_flags_that_the_new_version_refuses_stand_in_the_way_and_ignored_gates_do_not() -> None:
    one = {"variable": "node_kubelet_args", "binary": "kubelet", "hosts": ["w1", "w2"]}
    unknown = {**one, "unknown": ["--a", "--b"], "error": "", "gates": ["Gone"]}
    refused = {**one, "variable": "x", "unknown": [], "error": "invalid argument", "gates": []}
    found = upgrade.plan(facts(flags=[unknown, refused]))
    assert found["refusals"] == [
        "node_kubelet_args of w1, w2: kubelet 1.36.2 does not know --a, --b; remove it from the variable",
        "x of w1, w2: kubelet 1.36.2 refuses the flags: invalid argument; correct the variable",
    ]
    assert found["warnings"] == ["node_kubelet_args of w1, w2: kubelet 1.36.2 ignores the gates Gone"]


def test_deprecated_apis_are_read_from_metrics() -> None:
    name = "apiserver_requested_deprecated_apis"
    metrics = f"""# TYPE {name} gauge
{name}{{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"}} 1
{name}{{group="flow",removed_release="1.32",resource="schemas",subresource="status",version="v1beta3"}} 1
{name}{{group="other",removed_release="1.99",resource="unused",subresource="",version="v1"}} 0
"""
    assert upgrade.deprecated(metrics) == [
        {"api": "flow/v1beta3/schemas", "removed": "1.32"},
        {"api": "v1/componentstatuses", "removed": ""},
    ]


def test_webhooks_without_an_endpoint() -> None:
    def hook(name: str, policy: str | None, service: str) -> dict[str, Any]:
        client = {"service": {"namespace": "a", "name": service}} if service else {"url": "https://example.org"}
        return {"name": name, "clientConfig": client, **({"failurePolicy": policy} if policy else {})}

    def endpoints(service: str, *ready: bool | None) -> dict[str, Any]:
        metadata = {"namespace": "a", "labels": {"kubernetes.io/service-name": service}}
        return {"metadata": metadata, "endpoints": [{"conditions": {"ready": one}} for one in ready]}

    slices = [endpoints("up", False, True), endpoints("down", False), endpoints("none"), endpoints("unknown", None)]
    hooks = [
        ("1", "Fail", "up"),
        ("2", None, "down"),
        ("3", "Ignore", "down"),
        ("4", "Fail", ""),
        ("5", "Fail", "none"),
    ]
    configuration = {"metadata": {"name": "c"}, "webhooks": [hook(*one) for one in (*hooks, ("6", "Fail", "unknown"))]}
    found = upgrade.broken_webhooks([configuration], upgrade.ready_services(slices))
    assert found == ["c (2, Service a/down)", "c (5, Service a/none)"]


@pytest.mark.parametrize(("asked", "size"), [("1", 1), ("3", 3), ("10%", 2), ("1%", 1), ("100%", 20)])
def test_size_of_a_batch(asked: str, size: int) -> None:
    assert node_batches.batch_size(asked, 20) == size


@pytest.mark.parametrize("asked", ["0", "0%", "x", "-1", "1.5", ""])
def test_a_batch_needs_a_number_above_zero(asked: str) -> None:
    with pytest.raises(HardwayError, match=r"cluster_batch: .* is not a number of nodes or a percentage"):
        node_batches.batch_size(asked, 20)


def test_no_two_nodes_of_a_batch_are_of_one_zone() -> None:
    zones = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"}
    assert node_batches.batches(list("abcdef"), 2, zones) == [["a", "c"], ["b", "d"], ["e", "f"]]
    assert node_batches.batches(list("abc"), 2) == [["a", "b"], ["c"]]


def test_nodes_of_another_minor_and_those_left_cordoned_are_due() -> None:
    def node(name: str, version: str, by: str = "") -> dict[str, Any]:
        return {"name": name, "version": version, "cordoned_by": by, "zone": ""}

    hosts = [{"host": f"h{n}", "name": f"w{n}"} for n in range(6)]
    nodes = [
        node("w0", "1.35.6"),
        node("w1", "1.36.2"),
        node("w2", "1.36.2", "hardway"),
        node("w3", "1.35.6", "operator"),
        node("w4", "1.36.1"),
    ]
    found = node_batches.batch_plan(hosts, nodes, "1.36.2", "1")
    assert found == {
        "batches": [["h2"], ["h0"], ["h3"]],
        "batch_of": {"h2": 0, "h0": 1, "h3": 2},
        "before": [[], ["h2"], ["h2", "h0"]],
    }
