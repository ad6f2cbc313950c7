# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore does, by what the hosts report."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.restore_plan import BUMP, plan, survivor

NOW = "20260102T060000Z"
INSPECTION = {
    "cluster": "prod",
    "host": "k1",
    "time": "2026-01-02T03:04:05Z",
    "sha256": "0123456789",
    "revision": 100,
    "same_cluster": True,
    "encryption_keys": ["key1"],
    "missing_keys": [],
    "nodes": ["n1", "n2"],
    "live": True,
    "live_nodes": ["n1", "n3"],
    "live_revision": 140,
    "differences": {"pods": {"deleted": 2, "back": 0, "older": 1}, "secrets": {"deleted": 0, "back": 3, "older": 0}},
}
ARCHIVE = {"kind": "archive", "title": "a.tar.gz", "inspection": INSPECTION, "foreign": False, "again": False}
UNDO = {"kind": "undo"}
QUORUM = {"kind": "lost_quorum", "quorum": False}


def restored(
    step: str, kind: str = "archive", name: str = "20260101T000000Z-01234567", **values: Any
) -> dict[str, Any]:
    """Return the state of a restore on a host."""
    state = {"id": name, "kind": kind, "title": "a.tar.gz", "digest": "0123456789", "bump": BUMP, "step": step}
    return {**state, "former": f"/var/lib/etcd/restore-{name}/former/member/snap/db", "former_revision": 90, **values}


def host(*restores: dict[str, Any], revision: int | None = None, running: bool = True) -> dict[str, Any]:
    """Return what a host reports."""
    path = "/var/lib/etcd/member/snap/db"
    archives = ["/var/backups/hardway/prod-20260102T030405Z.tar.gz"]
    return {
        "restores": list(restores),
        "running": running,
        "database": {"path": path, "revision": revision},
        "archives": archives,
    }


def three(*restores: dict[str, Any]) -> dict[str, Any]:
    """Return the reports of three alike hosts."""
    return {name: host(*restores) for name in ("k1", "k2", "k3")}


@pytest.mark.parametrize("asked", [ARCHIVE, UNDO, QUORUM])
def test_an_even_number_of_hosts_is_refused_before_anything_stops(asked: dict[str, Any]) -> None:
    found = plan({name: host(revision=90) for name in ("k1", "k2")}, asked, NOW)
    assert found["refusals"][0].startswith("group etcd: has 2 hosts (k1, k2), an even number")


def test_an_archive_is_restored_with_later_revisions() -> None:
    found = plan(three(), ARCHIVE, NOW)
    assert (found["refusals"], found["done"], found["id"]) == ([], False, f"{NOW}-01234567")
    assert (found["bump"], found["encryption_keys"]) == (BUMP + 40, ["key1"])
    text = "\n".join(found["text"])
    assert "taken at 2026-01-02T03:04:05Z on k1, 2 h ago, revision 100" in text
    assert "created since, will be lost: pods 2" in text
    assert "changed since, will be as before: pods 1" in text
    assert "deleted since, will be back: secrets 3" in text
    assert "join again: n3" in text and "come back: n2" in text


def test_keys_of_tokens_that_were_replaced_since_are_accepted_again() -> None:
    then, now = "-----BEGIN PUBLIC KEY-----\nthen\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nnow\n"
    inspection = {**INSPECTION, "service_account_keys": [then]}
    found = plan(three(), {**ARCHIVE, "inspection": inspection, "accepted_keys": now}, NOW)
    assert found["service_account_keys"] == [then]
    assert "will be accepted again" in "\n".join(found["text"])
    # Other white space is the same key.
    both = now + "\n".join([then.replace("\n", "\r\n"), ""])
    found = plan(three(), {**ARCHIVE, "inspection": inspection, "accepted_keys": both}, NOW)
    assert found["service_account_keys"] == [] and "accepted again" not in "\n".join(found["text"])


def test_without_etcd_the_losses_are_unknown_and_stopped_data_count() -> None:
    unresponsive = {**INSPECTION, "live": False, "reason": "etcd: no healthy member"}
    del unresponsive["live_revision"]
    hosts = {"k1": host(revision=5000, running=False), "k2": host(running=False)}
    found = plan(hosts, {**ARCHIVE, "inspection": unresponsive}, NOW)
    assert found["bump"] == BUMP + 4900 and "etcd: no healthy member" in "\n".join(found["text"])


@pytest.mark.parametrize(
    ("changed", "asked", "problem"),
    [
        ({"same_cluster": False}, {}, "a.tar.gz: of another cluster"),
        ({"same_cluster": False}, {"foreign": True}, ""),
        ({"missing_keys": ["key1"]}, {}, "encrypted with key key1"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], asked: dict[str, Any], problem: str) -> None:
    found = plan(three(), {**ARCHIVE, "inspection": {**INSPECTION, **changed}, **asked}, NOW)
    assert bool(found["refusals"]) is bool(problem)
    assert all(problem in text for text in found["refusals"])


def test_without_an_archive_all_are_listed() -> None:
    found = plan(three(), {**ARCHIVE, "inspection": {}, "title": ""}, NOW)
    name = "/var/backups/hardway/prod-20260102T030405Z.tar.gz"
    assert found["text"][1:] == [f"k1:{name}", f"k2:{name}", f"k3:{name}"] and found["done"]


def test_the_same_archive_is_restored_once() -> None:
    found = plan(three(restored("finished")), ARCHIVE, NOW)
    assert found["done"] and not found["refusals"]
    again = plan(three(restored("finished")), {**ARCHIVE, "again": True}, NOW)
    assert not again["done"] and again["id"] == f"{NOW}-01234567"
    other = plan(three(restored("finished", digest="other")), ARCHIVE, NOW)
    assert not other["done"]


@pytest.mark.parametrize("steps", [("leaving", "prepared", "prepared"), ("restored", "entering", "finished")])
def test_an_interrupted_restore_is_continued_by_the_same_command_only(steps: tuple[str, ...]) -> None:
    hosts = {name: host(restored(step, bump=7)) for name, step in zip(("k1", "k2", "k3"), steps)}
    found = plan(hosts, ARCHIVE, NOW)
    assert (found["id"], found["bump"], found["refusals"]) == ("20260101T000000Z-01234567", 7, [])
    other = plan(hosts, {**ARCHIVE, "inspection": {**INSPECTION, "sha256": "other"}}, NOW)
    assert "finish it with the same command: hardway.kubernetes.restore -e archive=a.tar.gz" in other["refusals"][0]
    assert "was interrupted" in plan(hosts, UNDO, NOW)["refusals"][0]
    hosts["k3"] = host()
    assert "hosts k3: not part of restore" in plan(hosts, ARCHIVE, NOW)["refusals"][0]


def test_what_was_only_prepared_does_not_count() -> None:
    found = plan(three(restored("prepared")), ARCHIVE, NOW)
    assert found["id"] == f"{NOW}-01234567" and not found["refusals"]


@pytest.mark.parametrize("step", ["restored", "finished"])
def test_undo_takes_the_newest_data_before_the_restore(step: str) -> None:
    """Also when etcd did not start on the restored data."""
    hosts = {name: host(restored(step, former_revision=rev)) for name, rev in (("k1", 80), ("k2", 95), ("k3", None))}
    found = plan(hosts, UNDO, NOW)
    assert found["source"]["host"] == "k2" and found["source"]["path"].endswith("former/member/snap/db")
    assert found["bump"] > BUMP + 100 and not found["refusals"] and found["id"] == f"{NOW}-undo"


def test_undo_happens_once_and_needs_a_restore() -> None:
    assert "nothing to undo" in plan(three(), UNDO, NOW)["refusals"][0]
    both = [restored("finished"), restored("finished", kind="undo", name="20260102T000000Z-undo")]
    assert plan(three(*both), UNDO, NOW)["done"]
    gone = plan(three(restored("finished", former_revision=None)), UNDO, NOW)
    assert "are on no host any more" in gone["refusals"][0]


def test_a_lost_quorum_is_replaced_by_the_newest_data() -> None:
    assert plan(three(), {**QUORUM, "quorum": True}, NOW)["done"]
    running = plan({**three(), "k2": host(running=False)}, QUORUM, NOW)
    assert running["source"] == {} and not running["refusals"]
    stopped = {name: host(running=False, revision=rev) for name, rev in (("k1", 10), ("k2", 12), ("k3", None))}
    assert plan(stopped, QUORUM, NOW)["source"]["host"] == "k2" == survivor(stopped)["host"]
    none = plan({"k1": host(running=False)}, QUORUM, NOW)
    assert "no host has data of a member" in none["refusals"][0]
