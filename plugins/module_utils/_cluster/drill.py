# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a cluster a drill stops, and what came of it: the plan, and the sheet for an auditor."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.drill_client import unhealthy
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp

Data = t.Mapping[str, t.Any]
LEADERS = ("kube-controller-manager", "kube-scheduler")
TITLES = {
    "kube-controller-manager": "leader of the controller manager",
    "kube-scheduler": "leader of the scheduler",
    "vip": "load balancer with the virtual IP",
    "etcd": "leader of etcd",
    "kube-apiserver": "API server",
    "kubelet": "kubelet of a node",
}
# What is expected of the others while the part is stopped.
EXPECTED = {
    "lease": "another leader",
    "etcd": "another leader",
    "endpoint": "the virtual IP answers again",
    "server": "the API server is taken out of service",
    "node": "the node is NotReady",
}


def plan(state: Data, inventory: Data, settings: Data) -> dict[str, t.Any]:
    """Return the steps with what each stops where, what is left out and why, and why there can be no drill."""
    known = [name for name in TITLES if not settings["only"] or name in settings["only"]]
    unknown = sorted(set(settings["only"]) - set(TITLES))
    nodes = {node["name"] for node in state.get("nodes", [])}
    refusals = [f"steps: {', '.join(unknown)}: unknown; use some of {', '.join(TITLES)}"] if unknown else []
    refusals += unhealthy(state, nodes)
    if not state.get("servers"):
        refusals.append("API: no state of the cluster; run verify")
    steps = [step(name, state, inventory, settings) for name in known] if not refusals else []
    if not refusals and all(each["left_out"] for each in steps):
        refusals.append("nothing can be stopped without an outage: every part is the only one of its kind")
    return {"steps": steps, "refusals": refusals, "text": [describe(each) for each in steps] or refusals}


def step(name: str, state: Data, inventory: Data, settings: Data) -> dict[str, t.Any]:
    """Return one step: the host and its units, what to watch, and from which host."""
    masters = inventory["masters"]
    found: dict[str, t.Any] = {
        "name": name,
        "title": TITLES[name],
        "host": "",
        "units": [name],
        "starts": [],
        "before": "",
        "subject": "",
        "observer": "",
        "seconds": settings["seconds"],
        "left_out": "",
    }
    if name in LEADERS:
        found.update(_lease(name, state, masters))
    elif name == "vip":
        found.update(_balancer(inventory, settings["holder"]))
    elif name == "etcd":
        found.update(_etcd(state.get("etcd") or {}, inventory["etcd"]))
    elif name == "kube-apiserver":
        # With it, systemd stops the controller manager and the scheduler of the host.
        found.update(host=masters[-1]["host"] if masters else "", starts=list(LEADERS), watch="server")
        found["subject"] = inventory["urls"][-1] if inventory["urls"] else ""
        found["left_out"] = "" if len(masters) > 1 else "there is only one"
    else:
        node = inventory["nodes"][-1] if inventory["nodes"] else {"host": "", "name": ""}
        found.update(host=node["host"], subject=node["name"], watch="node", seconds=settings["node_seconds"])
        found["left_out"] = "" if node["host"] else "there is no node"
    if not found["left_out"]:
        # Not from the host that is stopped, nor one whose clients need no network.
        places = [each["host"] for each in masters if each["host"] != found["host"]] or (
            [found["host"]] if name == "kubelet" and masters and masters[0]["host"] == found["host"] else []
        )
        found["observer"] = next((host for host in places if host != settings["holder"]), (places or [""])[0])
        found["left_out"] = "" if found["observer"] else "there is no other control-plane host to measure from"
    return found


def _lease(name: str, state: Data, masters: t.Sequence[Data]) -> dict[str, t.Any]:
    """Return where the leader is, by the host name in the identity."""
    holder = next((str(each["holder"]) for each in state.get("leaders", []) if each["name"] == name), "")
    machine = holder.rpartition("_")[0]
    hosts = [
        each["host"]
        for each in masters
        if machine
        and machine.lower() in (each["host"].lower(), each["name"].lower(), each["host"].partition(".")[0].lower())
    ]
    reason = (
        "there is only one"
        if len(masters) < 2
        else ""
        if hosts
        else f"the leader, {holder or '?'}, is on no known host"
    )
    return {"host": (hosts or [""])[0], "watch": "lease", "subject": name, "before": holder, "left_out": reason}


def _balancer(inventory: Data, holder: str) -> dict[str, t.Any]:
    """Return the host with the virtual IP."""
    reason = (
        "there is no virtual IP"
        if not inventory["addresses"] or not inventory["lb"]
        else "there is only one"
        if len(inventory["lb"]) < 2
        else ""
        if holder
        else "no host has the virtual IP"
    )
    units = ["keepalived", "haproxy"]
    return {"host": holder, "units": units, "watch": "endpoint", "before": holder, "left_out": reason}


def _etcd(etcd: Data, hosts: t.Sequence[Data]) -> dict[str, t.Any]:
    """Return the host of the leader, if the others have a quorum without it."""
    voters = [member for member in etcd.get("members", []) if not member["learner"]]
    leader = str(etcd.get("leader", ""))
    host = next((each["host"] for each in hosts if leader in (each["name"], each["host"])), "")
    needed = len(voters) // 2 + 1
    reason = (
        f"{len(voters)} voters need {needed}, so none may stop"
        if len(voters) - 1 < needed
        else ""
        if host
        else f"the leader, {leader or '?'}, is on no known host"
    )
    return {"host": host, "watch": "etcd", "before": leader, "left_out": reason}


def describe(item: Data) -> str:
    """Return a step in one line."""
    if item["left_out"]:
        return f"{item['title']}: left out: {item['left_out']}"
    units = ", ".join(item["units"])
    return f"{item['title']}: stop {units} on {item['host']} for {item['seconds']} s; measured on {item['observer']}"


def evaluate(result: Data, max_gap: float) -> dict[str, t.Any]:
    """Return times, figures and verdict of one step."""
    item, outage, seen = result["step"], result["outage"], result["client"]
    later = [each for each in seen["changes"] if each["at"] >= outage["began"]]
    before, starts = seen["changes"][0]["state"] if seen["changes"] else "", outage["starts"]
    kind = item["watch"]
    if kind in ("lease", "etcd"):
        # Not by the time of the stop, which is of another host's clock.
        moved = [each for each in seen["changes"][1:] if each["state"] not in ("", before)]
    elif kind == "endpoint":
        # It may move between two requests.
        moved = [each for each in later if each["state"] == "ready"] or [{"at": outage["stopped"], "state": "ready"}]
        if result["holder"] in ("", item["before"]):
            moved = []
    else:
        moved = [each for each in later if each["state"] not in ("ready", "Ready")]
    in_time = [each for each in moved if each["at"] <= starts]
    back = [each for each in later if each["at"] >= starts and each["state"] in ("ready", "Ready")]
    figures = seen["client"]
    reasons = []
    if not in_time:
        reasons.append(f"not within {item['seconds']} s: {EXPECTED[kind]}")
    if not figures["writes"]:
        reasons.append("no write was acknowledged, so nothing was measured")
    if figures["lost"]:
        reasons.append(f"{figures['lost']} acknowledged writes lost")
    if figures["gap"] > max_gap:
        reasons.append(f"a client had no answer for {figures['gap']} s, the limit is {max_gap} s")
    if not seen["recovered_at"]:
        reasons.append(f"not healthy afterwards: {'; '.join(seen['problems'])}")
    after = str(result["holder"] if kind == "endpoint" else in_time[0]["state"] if in_time else "")
    return {
        "part": item["title"],
        "host": item["host"],
        "units": list(item["units"]),
        "measured_on": item["observer"],
        "stopped_at": stamp(outage["began"]),
        "stopped_for_seconds": item["seconds"],
        "expected": EXPECTED[kind],
        "seconds_until": round(in_time[0]["at"] - outage["began"], 1) if in_time else None,
        "before": before if kind in ("lease", "etcd") else item["before"],
        "after": after if kind in ("lease", "etcd", "endpoint") else "",
        # After the start.
        "seconds_until_back": round(back[0]["at"] - starts, 1) if back and kind in ("server", "node") else None,
        "seconds_until_healthy": round(max(0.0, seen["recovered_at"] - starts), 1) if seen["recovered_at"] else None,
        "client": dict(figures),
        "reasons": reasons,
        "verdict": "failed" if reasons else "passed",
    }


def report(facts: Data, planned: t.Sequence[Data], results: t.Sequence[Data], max_gap: float) -> dict[str, t.Any]:
    """Return the sheet as data and as Markdown."""
    done = [evaluate(result, max_gap) for result in results]
    ran = {each["part"] for each in done}
    missing = [each["title"] for each in planned if not each["left_out"] and each["title"] not in ran]
    left_out = {each["title"]: each["left_out"] for each in planned if each["left_out"]}
    failed = [each["part"] for each in done if each["verdict"] != "passed"]
    verdict = "failed" if failed else "incomplete" if missing or not done else "passed"
    data = {**facts, "verdict": verdict, "steps": done, "left_out": left_out, "not_done": missing}
    return {**data, "markdown": markdown(data, max_gap)}


def markdown(data: Data, max_gap: float) -> str:
    """Return the sheet as Markdown."""
    lines = [
        f"# Failure drill of cluster {data['cluster']}",
        "",
        "| | |",
        "|---|---|",
        f"| verdict | **{data['verdict']}** |",
        f"| began | {data['began']} |",
        f"| ended | {data['ended']} |",
        f"| Kubernetes | {data['kubernetes']} |",
        f"| run by | {data['operator']} |",
        f"| API endpoint of the client | {data['endpoint']} |",
        f"| limit for a time without an answer | {max_gap} s |",
        "",
        "| part | stopped | when | expected | after | healthy again | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in data["steps"]:
        moved = f" ({each['before']} → {each['after']})" if each["after"] else ""
        lines.append(
            f"| {each['part']} | {', '.join(each['units'])} on {each['host']} for {each['stopped_for_seconds']} s"
            f" | {each['stopped_at']} | {each['expected']}{moved} | {_seconds(each['seconds_until'])}"
            f" | {_seconds(each['seconds_until_healthy'])} after the start | {each['verdict']} |"
        )
    lines += [
        "",
        "What a client saw, which sent reads and writes all the time, and each request without an answer once more:",
        "",
        "| part | requests | failed | answered on the second try | longest time without answer | writes | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in data["steps"]:
        seen = each["client"]
        numbers = [seen[name] for name in ("requests", "failures", "retried")]
        cells = [each["part"], *numbers, f"{seen['gap']} s", seen["writes"], seen["lost"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    notes = [f"{each['part']}: {reason}" for each in data["steps"] for reason in each["reasons"]]
    notes += [f"{part}: left out: {reason}" for part, reason in data["left_out"].items()]
    notes += [f"{part}: not done, the run ended before" for part in data["not_done"]]
    return "\n".join([*lines, *(["", *(f"- {note}" for note in notes)] if notes else []), ""])


def _seconds(value: t.Optional[float]) -> str:
    return "not seen" if value is None else f"{value} s"
