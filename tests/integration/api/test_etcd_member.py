# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_member against real members whose names and addresses begin alike; checked by etcdctl."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.programs import RealEtcd, binary, need_programs

Run = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow


class Etcd(RealEtcd):
    """Members m2, m21, m22, … at 127.0.0.2, .21, .22, …"""

    def options(self, name: str) -> dict[str, Any]:
        """Return the module options for one member."""
        given = {**self.arguments(), "etcdctl": str(binary("etcdctl"))}
        return {**given, "name": name, "peer_url": self.peers[self.names.index(name)]}

    def etcdctl(self, *words: str, at: str = "", check: bool = True) -> str:
        """Return what etcdctl prints, from one member or from the first that responds."""
        endpoints = self.endpoints[self.names.index(at)] if at else ",".join(self.endpoints)
        tls = [f"--cacert={self.ca.ca}", f"--cert={self.client}.crt", f"--key={self.client}.key"]
        line = [str(binary("etcdctl")), f"--endpoints={endpoints}", *tls, *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def members(self, at: str = "") -> dict[str, str]:
        """Return the role of each member by its peer URL."""
        listed = json.loads(self.etcdctl("member", "list", "-w", "json", at=at))["members"]
        return {m["peerURLs"][0]: "learner" if m.get("isLearner") else "voter" for m in listed}

    def urls(self, *names: str) -> set[str]:
        """Return the peer URLs of members."""
        return {self.peers[self.names.index(name)] for name in names}

    def found(self, *names: str) -> None:
        """Start these as a new cluster."""
        for name in names:
            self.start(name, members=names)
        for name in names:
            self.programs.wait_until(
                name, lambda name=name: bool(self.etcdctl("get", "x", "-w", "json", at=name, check=False))
            )

    def join(self, name: str, run_module: Run) -> None:
        """Add, start and promote a member."""
        assert run_module("etcd_member", **self.options(name))["changed"]
        listed = json.loads(self.etcdctl("member", "list", "-w", "json"))["members"]
        members = [n for n, p in zip(self.names, self.peers) if any(p in m["peerURLs"] for m in listed)]
        self.start(name, members=members, state="existing")
        assert run_module("etcd_member", **self.options(name), state="promoted")["changed"]


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    """Prepare five members; none is started."""
    need_programs("etcd", "etcdctl")
    cluster = Etcd(tmp_path, 5, last_bytes=[2, 21, 22, 23, 24])
    try:
        yield cluster
    finally:
        cluster.programs.stop_all()


def test_grows_from_one_to_three_and_shrinks_to_one(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2")
    etcd.etcdctl("put", "invoice", "4711")
    check = run_module("etcd_member", check=True, diff=True, **etcd.options("m21"))
    assert check["changed"] and set(etcd.members()) == etcd.urls("m2")
    for name in ("m21", "m22"):
        etcd.join(name, run_module)
        for state in ("present", "promoted"):
            again = run_module("etcd_member", **etcd.options(name), state=state)
            assert not again["changed"] and again["member"]["name"] == name, again
    assert etcd.members("m22") == dict.fromkeys(etcd.urls("m2", "m21", "m22"), "voter")
    assert "4711" in etcd.etcdctl("get", "invoice", at="m22")
    assert etcd.etcdctl("get", "--prefix", "/hardway/") == ""

    # m2, whose name and address begin like those of the others, leads.
    assert run_module("etcd_member", check=True, **etcd.options("m2"), state="absent")["changed"]
    assert len(etcd.members()) == 3
    leads = next(n for n in ("m2", "m21", "m22") if leader(etcd) == member_id(etcd, n))
    # The inventory may know it no more: then it is queried where the member list says.
    others = {**etcd.options("m2"), "endpoints": [etcd.endpoints[1]]}
    gone = run_module("etcd_member", **others, state="absent")
    assert gone["counted"] == "3 of 3 voters are healthy"
    assert gone["changed"] and bool(gone["leader_moved_to"]) == (leads == "m2"), gone
    etcd.programs.stop("m2")
    assert set(etcd.members()) == etcd.urls("m21", "m22")
    assert not run_module("etcd_member", **etcd.options("m2"), state="absent")["changed"]
    last = leader(etcd)
    name = next(n for n in ("m21", "m22") if member_id(etcd, n) == last)
    other = "m22" if name == "m21" else "m21"
    led = run_module("etcd_member", **etcd.arguments(), etcdctl=str(binary("etcdctl")), id=last, state="absent")
    assert led["changed"] and led["leader_moved_to"] == other, led
    assert set(etcd.members()) == etcd.urls(other)
    refused = run_module("etcd_member", **etcd.options(other), state="absent")
    assert refused["failed"] and "it is the last voter" in refused["msg"]
    assert "4711" in etcd.etcdctl("get", "invoice", at=other)


def member_id(etcd: Etcd, name: str) -> str:
    """Return the ID of a member as etcdctl prints it."""
    return next(line.split(",")[0] for line in etcd.etcdctl("member", "list").splitlines() if f" {name}," in line)


def leader(etcd: Etcd) -> str:
    """Return the ID of the leader."""
    done = etcd.etcdctl("endpoint", "status", "-w", "json", check=False)
    return f"{json.loads(done)[0]['Status']['leader']:x}"


def test_a_member_without_its_data_is_removed_and_joins_again(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2", "m21", "m22")
    etcd.programs.stop("m22")
    shutil.rmtree(etcd.directory / "m22")
    refused = run_module("etcd_member", **etcd.options("m21"), state="absent")
    assert refused["failed"] and "1 of 2 voters are healthy, 2 are needed" in refused["msg"], refused
    assert "m22" in refused["msg"] and len(etcd.members()) == 3
    old = member_id(etcd, "m22")
    gone = run_module("etcd_member", **etcd.options("m22"), state="absent")
    assert gone["changed"] and gone["member"]["id"] == old and not gone["member"]["healthy"]
    assert set(etcd.members()) == etcd.urls("m2", "m21")
    etcd.join("m22", run_module)
    assert etcd.members("m22") == dict.fromkeys(etcd.urls("m2", "m21", "m22"), "voter")
    assert member_id(etcd, "m22") != old


def test_a_learner_that_never_starts_is_removed_again(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2")
    run_module("etcd_member", **etcd.options("m21"))
    assert sorted(etcd.members().values()) == ["learner", "voter"]
    # Half added: the same call finds it, another member must wait.
    assert not run_module("etcd_member", **etcd.options("m21"))["changed"]
    other = run_module("etcd_member", **etcd.options("m22"))
    assert other["failed"] and "still a learner; promote or remove it first" in other["msg"]
    failed = run_module("etcd_member", **etcd.options("m21"), state="promoted", timeout=2)
    assert failed["failed"] and "removed again, as it has not started within 2 s" in failed["msg"]
    assert set(etcd.members()) == etcd.urls("m2")
    missing = run_module("etcd_member", **etcd.options("m21"), state="promoted")
    assert missing["failed"] and "add it with state present first" in missing["msg"]


def test_confused_names_and_addresses_are_errors(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2", "m21", "m22")
    wrong = {**etcd.options("m2"), "peer_url": etcd.options("m21")["peer_url"]}
    assert "is member m21" in run_module("etcd_member", **wrong, state="absent")["msg"]
    unknown = {**etcd.options("m2"), "peer_url": etcd.options("m23")["peer_url"]}
    assert "correct its address" in run_module("etcd_member", **unknown)["msg"]
    assert "name and peer_url are required" in run_module("etcd_member", **{**etcd.options("m2"), "name": ""})["msg"]
    assert len(etcd.members()) == 3


def test_a_member_moves_to_another_address(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2", "m21", "m22")
    etcd.etcdctl("put", "invoice", "4711")
    number, old = etcd.names.index("m23"), member_id(etcd, "m22")
    moved = {**etcd.options("m22"), "peer_url": etcd.peers[number]}
    taken = run_module("etcd_member", **{**moved, "peer_url": etcd.peers[0]}, state="updated")
    assert taken["failed"] and "is member m2" in taken["msg"], taken
    assert run_module("etcd_member", check=True, **moved, state="updated")["changed"]
    assert set(etcd.members()) == etcd.urls("m2", "m21", "m22")
    done = run_module("etcd_member", **moved, state="updated")
    assert done["changed"] and done["member"]["id"] == old and leader(etcd) != old, done
    assert set(etcd.members()) == etcd.urls("m2", "m21", "m23")
    etcd.programs.stop("m22")
    # The two that are left may not lose one.
    refused = run_module("etcd_member", **{**etcd.options("m21"), "peer_url": etcd.peers[4]}, state="updated")
    assert refused["failed"] and "the others have no quorum while it restarts" in refused["msg"], refused
    assert not run_module("etcd_member", **moved, state="updated")["changed"]
    etcd.endpoints[2], etcd.peers[2] = etcd.endpoints[number], etcd.peers[number]
    etcd.start("m22", members=["m2", "m21", "m22"], state="existing")
    etcd.programs.wait_until("m22", lambda: "4711" in etcd.etcdctl("get", "invoice", at="m22", check=False))
    missing = run_module("etcd_member", **etcd.options("m24"), state="updated")
    assert missing["failed"] and "not a member" in missing["msg"]


def test_without_a_quorum_nothing_is_changed(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2", "m21", "m22")
    for name in ("m21", "m22"):
        etcd.programs.stop(name)
    for state in ("present", "absent"):
        refused = run_module("etcd_member", **etcd.options("m21"), state=state, timeout=3)
        assert refused["failed"] and "no voter is healthy" in refused["msg"], refused


def test_with_users_and_roles(etcd: Etcd, run_module: Run) -> None:
    etcd.found("m2", "m21", "m22")
    root = etcd.ca.issue("root", "root")
    as_root = {"cert": f"{root}.crt", "key": f"{root}.key"}
    program = {"etcdctl": str(binary("etcdctl"))}
    run_module("etcd_auth", **{**etcd.arguments(), **as_root, **program})
    stranger = run_module("etcd_member", **etcd.options("m23"), timeout=3)
    assert stranger["failed"] and "user root" in stranger["msg"], stranger
    options = {**etcd.options("m23"), **as_root}
    assert run_module("etcd_member", **options)["changed"]
    etcd.start("m23", members=["m2", "m21", "m22", "m23"], state="existing")
    assert run_module("etcd_member", **options, state="promoted")["changed"]
    gone = run_module("etcd_member", **{**etcd.options("m2"), **as_root}, state="absent")
    assert gone["changed"], gone
    left = run_module("etcd_member", **{**etcd.options("m21"), **as_root}, state="promoted")
    assert not left["changed"] and left["counted"] == "3 of 3 voters are healthy"
