# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a member without data may start, decided from the answers of the others."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.support.repository import ROLES

PROGRAM = ROLES / "etcd/files/etcd-start"
FOUNDERS = {"n1": "https://192.0.2.1:2380", "n2": "https://192.0.2.2:2380", "n3": "https://192.0.2.3:2380"}


@pytest.fixture(scope="module")
def program() -> Any:
    """Return the starter as a module."""
    loader = SourceFileLoader("etcd_start", str(PROGRAM))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def member(name: str, *, url: str = "", started: bool = True, number: int = 10) -> dict[str, Any]:
    """Return a member as /members shows it."""
    found: dict[str, Any] = {"id": number, "name": name, "peerURLs": [url or FOUNDERS[name]]}
    return {**found, "clientURLs": ["https://192.0.2.9:2379"]} if started else found


def decide(program: Any, answers: list[Any]) -> Any:
    """Return how n3 starts when n1 and n2 answer so."""
    return program.decide("n3", FOUNDERS["n3"], FOUNDERS, dict(zip([FOUNDERS["n1"], FOUNDERS["n2"]], answers)))


def test_bootstraps_when_no_other_member_runs(program: Any) -> None:
    """All others refuse the connection."""
    start = decide(program, [None, None])
    assert (start.state, start.members) == ("new", FOUNDERS)


def test_bootstraps_with_others_that_are_only_starting(program: Any) -> None:
    """They run, but none has been elected into a cluster yet."""
    waiting = [member(name, started=False) for name in FOUNDERS]
    assert decide(program, [waiting, None]).state == "new"


def test_joins_initial_members_that_did_not_wait(program: Any) -> None:
    """Two of three have formed the cluster; it expects the third."""
    start = decide(program, [None, [member("n1"), member("n2"), member("n3", started=False)]])
    assert (start.state, start.members) == ("existing", FOUNDERS)


def test_joins_a_cluster_that_has_added_it(program: Any) -> None:
    """An added member has no name yet, and the cluster may have other members than at its bootstrap."""
    members = [member("n1"), member("n9", url="https://192.0.2.9:2380"), member("", url=FOUNDERS["n3"], started=False)]
    start = decide(program, [members, None])
    assert start.state == "existing"
    assert start.members == {"n1": FOUNDERS["n1"], "n9": "https://192.0.2.9:2380", "n3": FOUNDERS["n3"]}


def test_refuses_when_its_data_are_gone(program: Any) -> None:
    """The cluster knows it as a member that has worked before."""
    with pytest.raises(
        program.Refusal, match=r"already took part as member 1f, but its data are gone; run playbook replace"
    ) as refusal:
        decide(program, [[member("n1"), member("n3", number=31)], None])
    # systemd does not restart it, so a run sees it as failed.
    assert refusal.value.status == program.NEEDS_ADMINISTRATOR == 78


def test_refuses_when_the_cluster_has_no_such_member(program: Any) -> None:
    """A cluster without it must not get a second one beside it."""
    with pytest.raises(program.Refusal, match=r"without a member https://192\.0\.2\.3:2380; add the member"):
        decide(program, [None, [member("n1"), member("n2")]])


def test_bootstraps_no_second_cluster_if_it_was_part_of_one(program: Any, tmp_path: Path) -> None:
    """A lost disk of a single member, or of all of them, is no first start; joining an existing cluster stays right."""
    mark, allowed = tmp_path / "formed", tmp_path / "founding"
    allowed.touch()
    bootstrap = decide(program, [None, None])
    program.refuse_second_bootstrap(bootstrap, str(mark), str(allowed))
    mark.touch()
    with pytest.raises(program.Refusal, match=rf"restore a backup .* remove {mark} on every host"):
        program.refuse_second_bootstrap(bootstrap, str(mark), str(allowed))
    program.refuse_second_bootstrap(program.Start("joining", "existing", FOUNDERS), str(mark), str(allowed))


def test_bootstraps_only_if_ansible_has_allowed_it(program: Any, tmp_path: Path) -> None:
    """A reinstalled member would take others that are only down for missing ones."""
    mark, allowed = tmp_path / "formed", tmp_path / "founding"
    with pytest.raises(program.Refusal, match=r"may not bootstrap.*run the playbook over all hosts") as refusal:
        program.refuse_second_bootstrap(decide(program, [None, None]), str(mark), str(allowed))
    # The others may only be down.
    assert refusal.value.status == 1
    program.refuse_second_bootstrap(program.Start("joining", "existing", FOUNDERS), str(mark), str(allowed))


def test_flags(program: Any) -> None:
    """Values may hold equals signs and be empty."""
    command = ["/usr/local/bin/etcd", "--name=n1", "--feature-gates=A=true", "--wal-dir="]
    assert program.flags_of(command) == {"name": "n1", "feature-gates": "A=true", "wal-dir": ""}


def test_data_means_a_write_ahead_log(program: Any, tmp_path: Path) -> None:
    """That is what etcd inspects, wherever the log is."""
    flags = {"data-dir": str(tmp_path / "data")}
    assert not program.has_data(flags)
    log = tmp_path / "data/member/wal"
    log.mkdir(parents=True)
    (log / "0.tmp").touch()
    assert not program.has_data(flags)
    (log / "0000000000000000-0000000000000000.wal").touch()
    assert program.has_data(flags)
    assert not program.has_data({**flags, "wal-dir": str(tmp_path / "elsewhere")})


def test_data_that_may_not_be_read_are_no_missing_data(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str) -> NoReturn:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(program.os, "listdir", denied)
    with pytest.raises(
        program.Refusal, match=r"^/var/lib/etcd/member/wal: etcd's user may not read it; give /var/lib"
    ) as raised:
        program.has_data({"data-dir": "/var/lib/etcd"})
    assert raised.value.status == program.NEEDS_ADMINISTRATOR


def test_an_unresponsive_member_is_a_refusal_after_the_timeout(program: Any) -> None:
    """A host that cannot be queried does not prove that there is no cluster."""

    def probe() -> None:
        raise program.Unresponsive("https://192.0.2.1:2380: timed out")

    with pytest.raises(
        program.Refusal, match=r"cannot determine whether the others have a cluster: https://192\.0\.2\.1:2380"
    ):
        program.query_until(probe, deadline=0)


@pytest.mark.parametrize(("answer", "state"), [([member("n1"), member("n3", started=False)], "existing"), (None, "")])
def test_an_unresponsive_member_matters_only_if_no_other_has_a_cluster(program: Any, answer: Any, state: str) -> None:
    """A dead host does not keep another one from joining; without a cluster, it might have one."""

    def ask(url: str) -> Any:
        if url == FOUNDERS["n2"]:
            raise program.Refusal("n2 is unresponsive")
        return answer

    flags = {"name": "n3", "initial-advertise-peer-urls": FOUNDERS["n3"]}
    if state:
        assert program.decide_by_answers(flags, FOUNDERS, ask).state == state
        return
    with pytest.raises(program.Refusal, match="n2 is unresponsive"):
        program.decide_by_answers(flags, FOUNDERS, ask)
