# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill stops, what it leaves out, and its verdict."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import drill

SETTINGS: dict[str, Any] = {"only": [], "holder": "n1", "seconds": 30, "node_seconds": 90}


def host(name: str) -> dict[str, Any]:
    """Return a host of the inventory, whose node has another name."""
    return {"host": name, "name": f"node-{name}", "address": "192.0.2.1"}


HOSTS = [host("n1"), host("n2"), host("n3")]
INVENTORY: dict[str, Any] = {
    "addresses": ["192.0.2.100"],
    "etcd": HOSTS,
    "masters": HOSTS,
    "nodes": HOSTS,
    "lb": HOSTS,
    "urls": [f"https://{each['host']}:6443" for each in HOSTS],
}
STATE: dict[str, Any] = {
    "servers": [{"url": url, "ready": True, "reason": ""} for url in INVENTORY["urls"]],
    "endpoint": {"url": "https://192.0.2.100:6443", "ready": True, "reason": ""},
    "api_error": "",
    "leaders": [
        {"name": "kube-controller-manager", "holder": "node-n2_5e6c", "held": True},
        {"name": "kube-scheduler", "holder": "n3_0c4d", "held": True},
    ],
    "nodes": [{"name": each["name"], "ready": True} for each in HOSTS],
    "etcd": {
        "leader": "n1",
        "members": [
            {"name": f"n{n}", "endpoint": "", "healthy": True, "learner": False, "error": ""} for n in (1, 2, 3)
        ],
    },
}


def planned(state: dict[str, Any] = STATE, **changed: Any) -> dict[str, Any]:
    """Return the plan with other hosts or settings."""
    inventory = {name: changed.pop(name, INVENTORY[name]) for name in INVENTORY}
    return drill.plan(state, inventory, {**SETTINGS, **changed})


def left_out(plan: dict[str, Any]) -> dict[str, str]:
    """Return what is left out and why."""
    return {step["name"]: step["left_out"] for step in plan["steps"] if step["left_out"]}


def test_every_part_is_stopped_where_it_leads_and_measured_elsewhere() -> None:
    plan = planned()
    assert plan["refusals"] == [] and left_out(plan) == {}
    assert {step["name"]: (step["host"], step["observer"]) for step in plan["steps"]} == {
        "kube-controller-manager": ("n2", "n3"),
        "kube-scheduler": ("n3", "n2"),
        "vip": ("n1", "n2"),
        "etcd": ("n1", "n2"),
        "kube-apiserver": ("n3", "n2"),
        "kubelet": ("n3", "n2"),
    }
    by_name = {step["name"]: step for step in plan["steps"]}
    assert by_name["vip"]["units"] == ["keepalived", "haproxy"]
    assert by_name["kube-apiserver"]["subject"] == "https://n3:6443"
    assert (by_name["kubelet"]["subject"], by_name["kubelet"]["seconds"]) == ("node-n3", 90)
    assert plan["text"][3] == "leader of etcd: stop etcd on n1 for 30 s; measured on n2"


def test_named_steps_only() -> None:
    assert [step["name"] for step in planned(only=["vip", "etcd"])["steps"]] == ["vip", "etcd"]
    assert planned(only=["vipp"])["refusals"][0].startswith("steps: vipp: unknown; use some of ")


@pytest.mark.parametrize("voters", [1, 2])
def test_etcd_is_left_out_where_the_others_have_no_quorum(voters: int) -> None:
    state = copy.deepcopy(STATE)
    state["etcd"]["members"] = state["etcd"]["members"][:voters]
    assert "none may stop" in left_out(planned(state))["etcd"]


def test_a_learner_is_no_voter() -> None:
    state = copy.deepcopy(STATE)
    state["etcd"]["members"][2]["learner"] = True
    assert left_out(planned(state))["etcd"].startswith("2 voters need 2")


def test_the_only_one_of_its_kind_is_left_out() -> None:
    assert left_out(planned(addresses=[]))["vip"] == "there is no virtual IP"
    assert left_out(planned(lb=HOSTS[:1]))["vip"] == "there is only one"
    assert left_out(planned(holder=""))["vip"] == "no host has the virtual IP"
    one = left_out(planned(masters=HOSTS[:1], urls=INVENTORY["urls"][:1]))
    assert {"kube-controller-manager", "kube-scheduler", "kube-apiserver"} <= set(one) and "kubelet" not in one


def test_an_unknown_leader_is_left_out() -> None:
    state = copy.deepcopy(STATE)
    state["leaders"][0]["holder"] = "other_1"
    assert left_out(planned(state)) == {"kube-controller-manager": "the leader, other_1, is on no known host"}


def test_it_refuses_where_nothing_has_a_replacement() -> None:
    state = copy.deepcopy(STATE)
    state["etcd"]["members"] = state["etcd"]["members"][:1]
    one = HOSTS[:1]
    plan = planned(state, masters=one, etcd=one, lb=[], nodes=[], addresses=[], urls=INVENTORY["urls"][:1])
    assert plan["refusals"] == ["nothing can be stopped without an outage: every part is the only one of its kind"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("etcd", "members", 1, "healthy"), False, "etcd n2: unhealthy"),
        (("etcd", "leader"), "", "etcd: no leader"),
        (("servers", 2, "ready"), False, "https://n3:6443: "),
        (("endpoint", "ready"), False, "https://192.0.2.100:6443: "),
        (("leaders", 0, "held"), False, "kube-controller-manager: no leader"),
        (("nodes", 0, "ready"), False, "node node-n1: not ready"),
    ],
)
def test_it_refuses_an_unhealthy_cluster(path: tuple[Any, ...], value: Any, said: str) -> None:
    state: Any = copy.deepcopy(STATE)
    part = state
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    plan = planned(state)
    assert plan["refusals"] == [said] and plan["steps"] == []


FIGURES = {
    "requests": 400,
    "failures": 0,
    "retried": 2,
    "gap": 0.4,
    "gap_at": 1.0,
    "reasons": {},
    "writes": 100,
    "lost": 0,
}
FACTS = {
    "cluster": "prod",
    "began": "B",
    "ended": "E",
    "kubernetes": "1.36.2",
    "operator": "alice",
    "endpoint": "https://192.0.2.100:6443",
}


def result(name: str, changes: list[tuple[float, str]], holder: str = "n2", **client: Any) -> dict[str, Any]:
    """Return the result of a step that stopped at 100 and whose units start at 130."""
    (step,) = [step for step in planned()["steps"] if step["name"] == name]
    seen = {"began": 90.0, "recovered_at": 135.0, "problems": [], "client": {**FIGURES, **client.pop("figures", {})}}
    return {
        "step": step,
        "outage": {"began": 100.0, "stopped": 101.0, "starts": 130.0},
        "client": {**seen, **client, "changes": [{"at": at, "state": state} for at, state in changes]},
        "holder": holder,
    }


def test_a_new_leader_passes() -> None:
    done = drill.evaluate(result("etcd", [(90, "n1"), (100.5, ""), (102.2, "n2"), (131, "n1")]), 15)
    assert (done["verdict"], done["seconds_until"], done["before"], done["after"]) == ("passed", 2.2, "n1", "n2")
    assert done["seconds_until_healthy"] == 5.0 and done["stopped_at"] == "1970-01-01T00:01:40Z"


def test_no_new_leader_while_it_was_stopped_fails() -> None:
    done = drill.evaluate(result("kube-scheduler", [(90, "n3_0c4d"), (131, "n2_1")]), 15)
    assert done["reasons"] == ["not within 30 s: another leader"] and done["verdict"] == "failed"


def test_the_virtual_address_must_move() -> None:
    assert drill.evaluate(result("vip", [(90, "ready"), (101, "no answer"), (103, "ready")]), 15)["seconds_until"] == 3
    # Between two requests.
    assert drill.evaluate(result("vip", [(90, "ready")]), 15)["verdict"] == "passed"
    assert drill.evaluate(result("vip", [(90, "ready")], holder="n1"), 15)["verdict"] == "failed"
    assert drill.evaluate(result("vip", [(90, "ready")], holder=""), 15)["verdict"] == "failed"


def test_a_node_is_seen_to_go_and_to_come_back() -> None:
    done = drill.evaluate(result("kubelet", [(90, "Ready"), (120, "NotReady"), (132.5, "Ready")]), 15)
    assert (done["verdict"], done["seconds_until"], done["seconds_until_back"]) == ("passed", 20, 2.5)
    assert drill.evaluate(result("kubelet", [(90, "Ready")]), 15)["verdict"] == "failed"


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({"figures": {"lost": 1}}, "1 acknowledged writes lost"),
        ({"figures": {"gap": 15.2}}, "a client had no answer for 15.2 s, the limit is 15 s"),
        ({"recovered_at": 0.0, "problems": ["etcd: no leader"]}, "not healthy afterwards: etcd: no leader"),
    ],
)
def test_what_a_client_saw_can_fail_a_step(client: dict[str, Any], said: str) -> None:
    done = drill.evaluate(result("etcd", [(90, "n1"), (101, "n2")], **client), 15)
    assert (done["verdict"], done["reasons"]) == ("failed", [said])


def test_the_report_says_what_was_not_done() -> None:
    steps = planned(addresses=[])["steps"]
    report = drill.report(FACTS, steps, [result("etcd", [(90, "n1"), (101, "n2")])], 15)
    assert report["verdict"] == "incomplete" and report["left_out"] == {drill.TITLES["vip"]: "there is no virtual IP"}
    assert "kubelet of a node: not done, the run ended before" in report["markdown"]
    assert "| leader of etcd | etcd on n1 for 30 s |" in report["markdown"]
    assert "| leader of etcd | 400 | 0 | 2 | 0.4 s | 100 | 0 |" in report["markdown"]
    assert drill.report(FACTS, [], [], 15)["verdict"] == "incomplete"
    whole = drill.report(FACTS, steps[2:3], [], 15)
    assert whole["not_done"] == [] and whole["verdict"] == "incomplete"


def test_the_report_of_a_finished_drill() -> None:
    steps = planned(only=["etcd"])["steps"]
    assert drill.report(FACTS, steps, [result("etcd", [(90, "n1"), (101, "n2")])], 15)["verdict"] == "passed"
    assert drill.report(FACTS, steps, [result("etcd", [(90, "n1")])], 15)["verdict"] == "failed"
