# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a restore does, from what the hosts report. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.restore import STEPS

# By this, and by what was written since, revisions increase: so no client has seen a later one.
BUMP = 1_000_000_000
Info = Mapping[str, Any]


def plan(hosts: Mapping[str, Info], asked: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Return the plan: refusals, lines of text, whether it is done already, and the parameters of the steps.

    hosts: results of module etcd_restore_info by host, of every etcd host.
    asked: kind; for an archive also title, foreign, again, and the inspection.
    now: the time as 20260102T030405Z.
    """
    kind, inspection = asked["kind"], asked.get("inspection") or {}
    found: dict[str, Any] = {
        "refusals": [*_uneven(hosts)],
        "text": [],
        "done": False,
        "kind": kind,
        "digest": inspection.get("sha256", ""),
        "source": {},
        # Keys that the API servers must have to read the data.
        "encryption_keys": inspection.get("encryption_keys", []),
        # Public keys that signed tokens in the archive, and whose tokens the API servers reject now.
        "service_account_keys": _rejected(inspection.get("service_account_keys", []), asked.get("accepted_keys", "")),
    }
    begun = _restores(hosts)
    last = begun[-1] if begun else {}
    if last and last["unfinished"] and not (kind == "undo" and last["kind"] != "undo" and last["restored"]):
        return _continued(found, hosts, last)
    finished = [one for one in begun if one["restored"]]
    previous = finished[-1] if finished else {}
    if kind == "archive":
        _plan_archive(found, hosts, asked, inspection, previous, now)
    elif kind == "undo":
        _plan_undo(found, hosts, previous, now)
    else:
        _plan_lost_quorum(found, hosts, asked, now)
    return found


def _uneven(hosts: Mapping[str, Info]) -> Iterator[str]:
    """Yield the refusal of a group that site, which ends a restore, refuses."""
    if len(hosts) % 2 == 0:
        yield (
            f"group etcd: has {len(hosts)} hosts ({', '.join(sorted(hosts))}), an even number, with which no restore "
            "can end; leave one of them out of the inventory, and off, or add one"
        )


def _rejected(keys: Sequence[str], accepted: str) -> list[str]:
    """Return the keys that are not in the text of those accepted; white space does not count."""
    text = "".join(accepted.split())
    return [key for key in keys if "".join(key.split()) not in text]


def survivor(hosts: Mapping[str, Info]) -> dict[str, Any]:
    """Return the host, path and revision of the newest data of stopped members; empty if there are none."""
    candidates = [
        {"host": host, "path": info["database"]["path"], "revision": info["database"]["revision"]}
        for host, info in hosts.items()
        if info["database"]["revision"] is not None
    ]
    return max(candidates, key=lambda one: int(one["revision"]), default={})


def _restores(hosts: Mapping[str, Info]) -> list[dict[str, Any]]:
    """Return the restores of all hosts, the oldest first, with their steps; not those that were only prepared."""
    states: dict[str, dict[str, Any]] = {}
    for host, info in hosts.items():
        for state in info["restores"]:
            one = states.setdefault(state["id"], {**state, "steps": {}, "formers": {}})
            one["steps"][host] = state["step"]
            one["formers"][host] = {"path": state["former"], "revision": state["former_revision"]}
    found = []
    for _name, one in sorted(states.items()):
        ranks = {host: STEPS.index(step) for host, step in one["steps"].items()}
        if max(ranks.values()) > 0:
            one["unfinished"] = any(step != "finished" for step in one["steps"].values())
            one["restored"] = all(rank >= STEPS.index("restored") for rank in ranks.values())
            found.append(one)
    return found


def _continued(found: dict[str, Any], hosts: Mapping[str, Info], last: Mapping[str, Any]) -> dict[str, Any]:
    """Plan the rest of a restore that was interrupted after data had been exchanged."""
    same = last["kind"] == found["kind"] and (found["kind"] != "archive" or last["digest"] == found["digest"])
    if not same:
        found["refusals"].append(
            f"restore {last['id']}: of {last['title']}, was interrupted and is not finished; finish it with the same "
            f"command: {_command(last)}"
        )
    if lost := [host for host in hosts if host not in last["steps"]]:
        found["refusals"].append(
            f"hosts {', '.join(lost)}: not part of restore {last['id']}, which was interrupted; take them out of the "
            "etcd group until it is finished"
        )
    steps = ", ".join(f"{host} {step}" for host, step in sorted(last["steps"].items()))
    found["text"].append(f"continue restore {last['id']} of {last['title']}: {steps}")
    return {**found, "id": last["id"], "bump": last["bump"], "title": last["title"], "continued": True}


def _command(state: Mapping[str, Any]) -> str:
    if state["kind"] == "archive":
        return f"hardway.kubernetes.restore -e archive={state['title']}"
    return f"hardway.kubernetes.restore -e {'undo=true' if state['kind'] == 'undo' else 'mode=lost_quorum'}"


def _plan_archive(
    found: dict[str, Any],
    hosts: Mapping[str, Info],
    asked: Mapping[str, Any],
    inspection: Mapping[str, Any],
    previous: Mapping[str, Any],
    now: str,
) -> None:
    title = asked["title"]
    if not inspection:
        names = [f"{host}:{path}" for host, info in hosts.items() for path in info["archives"]]
        # By time, which ends the names.
        names.sort(key=lambda name: name.rpartition("-")[2], reverse=True)
        found["done"] = True
        found["text"] += [
            "archives, the newest first, for -e archive= (or a file on the controller):",
            *(names or ["none"]),
        ]
        return
    if not inspection["same_cluster"] and not asked.get("foreign"):
        found["refusals"].append(
            f"{title}: of another cluster ({inspection['cluster']}): another id, and no CA in common; to restore it "
            "here nevertheless, set -e foreign=true"
        )
    if inspection["missing_keys"]:
        keys = ", ".join(inspection["missing_keys"])
        found["refusals"].append(
            f"{title}: its Secrets are encrypted with key {keys}, which cluster_pki_dir has neither in "
            "secrets/encryption.key nor in retired; append it there as NAME:SECRET (hardway-backup unpack shows it in "
            "encryption.yaml), and restore again"
        )
    before = previous.get("kind") == "archive" and previous["digest"] == inspection["sha256"]
    if before and not asked.get("again"):
        found["done"] = True
        found["text"].append(
            f"{title}: restored before ({previous['id']}); to restore it once more, and lose what was written "
            "since, add -e again=true"
        )
        return
    revision = int(inspection["revision"])
    ahead = max(0, int(inspection.get("live_revision", 0)) - revision, *_ahead(hosts, revision))
    found |= {"id": f"{now}-{inspection['sha256'][:8]}", "bump": BUMP + ahead, "title": title}
    found["text"] += [
        f"restore {title}: cluster {inspection['cluster']}, taken at {inspection['time']} on {inspection['host']}, "
        f"{_age(inspection['time'], now)} ago, revision {revision}",
        *_losses(inspection),
    ]
    if found["service_account_keys"]:
        found["text"].append(
            "tokens of service account keys that were replaced since will be accepted again, until the next "
            "rotate_service_account_key.yml and its -e drop=true"
        )


def _losses(inspection: Mapping[str, Any]) -> list[str]:
    """Return what changes for the users of the cluster."""
    if not inspection["live"]:
        return [f"what is lost is unknown, as etcd does not answer: {inspection['reason']}"]
    lines = []
    for kind, text in (("deleted", "created since, will be lost"), ("older", "changed since, will be as before")):
        counts = {name: one[kind] for name, one in inspection["differences"].items() if one[kind]}
        if counts:
            lines.append(f"{text}: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    counts = {name: one["back"] for name, one in inspection["differences"].items() if one["back"]}
    if counts:
        lines.append(f"deleted since, will be back: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    now, then = set(inspection["live_nodes"]), set(inspection["nodes"])
    if now - then:
        lines.append(f"nodes that joined since, and join again: {', '.join(sorted(now - then))}")
    if then - now:
        lines.append(
            f"nodes that were removed since, and come back: {', '.join(sorted(then - now))}; delete them again"
        )
    return lines or ["nothing has changed since"]


def _plan_undo(found: dict[str, Any], hosts: Mapping[str, Info], previous: Mapping[str, Any], now: str) -> None:
    if not previous:
        found["refusals"].append(
            "undo: no restore was made on these hosts, so there is nothing to undo; remove -e undo"
        )
        return
    if previous["kind"] == "undo":
        found["done"] = True
        found["text"].append(f"restore {previous['id']}: has undone the one before already")
        return
    formers = [
        {"host": host, **former} for host, former in previous["formers"].items() if former["revision"] is not None
    ]
    if not formers:
        found["refusals"].append(
            f"restore {previous['id']}: the data before it are on no host any more; restore an archive instead"
        )
        return
    source = max(formers, key=lambda one: int(one["revision"]))
    revision = int(source["revision"])
    # The revisions since then: of the restored data, and of what was written to them.
    ahead = max(int(previous["bump"]) + 2 * BUMP, *_ahead(hosts, revision))
    title = f"the data before restore {previous['id']}"
    found |= {"id": f"{now}-undo", "bump": ahead, "title": title, "source": source}
    found["text"].append(
        f"undo restore {previous['id']} of {previous['title']}: back to the data of {source['host']}, revision "
        f"{revision}; what was written since is lost"
    )


def _plan_lost_quorum(found: dict[str, Any], hosts: Mapping[str, Info], asked: Mapping[str, Any], now: str) -> None:
    if asked.get("quorum"):
        found["done"] = True
        found["text"].append("etcd has a quorum, so nothing is restored; replace single members with replace.yml")
        return
    running = [host for host, info in hosts.items() if info["running"]]
    stopped = survivor(hosts)
    if not running and not stopped:
        found["refusals"].append("etcd: no host has data of a member; restore an archive, with -e archive=")
        return
    title = "the data of the surviving member"
    found |= {"id": f"{now}-quorum", "bump": BUMP, "title": title, "source": stopped if not running else {}}
    found["text"].append(
        f"form a new cluster of {', '.join(sorted(hosts))} with {title}, the newest of those on "
        f"{', '.join(sorted(set(running) | ({stopped['host']} if stopped else set())))}; other members must stay off"
    )


def _ahead(hosts: Mapping[str, Info], revision: int) -> list[int]:
    """Return by how much the data of stopped members are ahead of a revision."""
    return [int(info["database"]["revision"] or 0) - revision for info in hosts.values()]


def _age(time: str, now: str) -> str:
    """Return the time that has passed, in words."""
    begin = datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ")
    minutes = int((datetime.strptime(now, "%Y%m%dT%H%M%SZ") - begin).total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
