# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations on the controller: which CAs are trusted and which one signs after every step."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import STEPS
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.ca_files import Trust
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import moment_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import split, trusted
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key, public_pem

from tests.support.ca.rotations import CA, SA, content, ensure, made, signer_fits, step


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with a CA, its key encrypted, and a key pair."""
    return made(tmp_path / "pki")


def test_both_cas_are_trusted_until_the_old_one_is_dropped(pki: Path) -> None:
    old, old_key = (pki / "etcd/ca.crt").read_bytes(), (pki / "sa.pub").read_bytes()
    assert step(pki, "trust") == [True, True]
    first, second = split((pki / "etcd/ca.crt").read_bytes())
    assert first == old and signer_fits(pki)
    assert split((pki / "sa.pub").read_bytes())[0] == old_key and len(split((pki / "sa.pub").read_bytes())) == 2

    assert step(pki, "issue") == [True, True]
    assert split((pki / "etcd/ca.crt").read_bytes()) == [second, first] and signer_fits(pki)
    new_key = public_pem(load_key((pki / "sa.key").read_bytes(), "sa"))
    assert split((pki / "sa.pub").read_bytes()) == [old_key, new_key]
    assert (next((pki / "retired").glob("etcd-ca-*.crt"))).read_bytes() == old

    assert step(pki, "updated") == [True, True]
    assert step(pki, "drop") == [True, True]
    assert (pki / "etcd/ca.crt").read_bytes() == second and signer_fits(pki)
    assert (pki / "sa.pub").read_bytes() == new_key
    assert step(pki, "done") == [True, True]
    assert not (pki / "rotation.json").exists()
    assert not list(pki.rglob("*.next.*"))


def test_hosts_see_no_difference_when_only_the_signer_changes(pki: Path) -> None:
    seen = []
    for name in ("trust", "issue"):
        step(pki, name)
        pem = (pki / "etcd/ca.crt").read_bytes()
        entries = ({"ca": "etcd-ca", "path": "x", "signer": signer} for signer in (False, True))
        seen.append([Trust(entry, pem).pem for entry in entries])
    (bundle, signer), (later, other) = seen
    assert bundle == later and len(split(t.cast(bytes, bundle))) == 2
    assert signer != other and len(split(t.cast(bytes, other))) == 1


def test_without_a_rotation_hosts_get_the_ca_as_it_is() -> None:
    assert trusted(b"# ours\n-----BEGIN X-----\nYQ==\n-----END X-----\n").startswith(b"# ours\n")


def test_an_ordinary_run_in_between_keeps_everything(pki: Path) -> None:
    for name in STEPS:
        step(pki, name)
        before = content(pki)
        assert ensure(pki).ca(CA)["state"] == "kept"
        assert ensure(pki).key_pair(SA)["state"] == "kept"
        assert step(pki, name) == [False, False] or name == "done"
        if name != "done":
            assert content(pki) == before


def renewed(pki: Path) -> tuple[bytes, bytes]:
    """Renew the CA in an ordinary run; return its certificate and its key."""
    renewing = Reconciler(Store(str(pki)), "secret", True, 2.0, False)
    assert renewing.ca(CA)["state"] == "renewed"
    return split((pki / "etcd/ca.crt").read_bytes())[0], (pki / "etcd/ca.key").read_bytes()


def test_a_renewal_in_between_keeps_both(pki: Path) -> None:
    step(pki, "trust")
    other = split((pki / "etcd/ca.crt").read_bytes())[1]
    old, old_key = renewed(pki)
    assert split((pki / "etcd/ca.crt").read_bytes()) == [old, other] and signer_fits(pki)
    # The old one has the certificate of its renewal, and is recognized by its key.
    for name in STEPS[1:]:
        assert step(pki, name) == [True, True]
    assert (pki / "etcd/ca.crt").read_bytes() == other and signer_fits(pki)
    retired = {path.suffix: path.read_bytes() for path in (pki / "retired").glob("etcd-ca-*")}
    assert retired == {".crt": old, ".key": old_key}


def test_a_renewal_of_the_new_one_keeps_both(pki: Path) -> None:
    step(pki, "trust")
    step(pki, "issue")
    new, _key = renewed(pki)
    step(pki, "updated")
    step(pki, "drop")
    assert (pki / "etcd/ca.crt").read_bytes() == new and signer_fits(pki)


@pytest.mark.parametrize(("name", "file"), [("issue", "etcd/ca.crt"), ("drop", "etcd/ca.crt"), ("drop", "sa.pub")])
def test_files_from_a_backup_are_refused(pki: Path, name: str, file: str) -> None:
    """The new CA must be trusted before the old one is removed."""
    old = (pki / file).read_bytes()
    for earlier in STEPS[: STEPS.index(name)]:
        step(pki, earlier)
    (pki / file).write_bytes(old)
    with pytest.raises(HardwayError, match=f"{file}: does not contain the new one in rotation.json; restore both"):
        step(pki, name)
    assert (pki / file).read_bytes() == old


def test_no_step_can_be_left_out(pki: Path) -> None:
    assert step(pki, "issue") == [False, False], "nothing is under way"
    step(pki, "trust")
    with pytest.raises(HardwayError, match="etcd-ca: its rotation is at 'trust'; update all hosts to 'issue'"):
        step(pki, "drop")
    step(pki, "issue")
    with pytest.raises(HardwayError, match="etcd-ca: its rotation is at 'issue'; update all hosts to 'updated'"):
        step(pki, "drop")


@pytest.mark.parametrize("check", [True, False])
def test_a_key_is_dropped_when_no_token_of_it_is_in_use(pki: Path, check: bool) -> None:
    """An hour after the last host signs with the new one; CAs need not wait: hosts have new certificates."""
    for name in STEPS[:2]:
        Rotation(ensure(pki), now=datetime(2026, 11, 21, tzinfo=timezone.utc)).advance(name, [CA], [SA])
    step(pki, "updated")
    issued = moment_of(json.loads((pki / "rotation.json").read_text())["sa"]["times"]["updated"])

    def later(minutes: int) -> Rotation:
        return Rotation(ensure(pki, check=check), now=issued + timedelta(minutes=minutes))

    due = stamp(issued + timedelta(hours=1))
    before = content(pki)
    with pytest.raises(HardwayError, match=f"sa: .* tokens of the old key until {due}; drop it then, or shorten min_"):
        later(59).advance("drop", [CA], [SA])
    assert content(pki) == before
    assert later(59).advance("drop", [CA], [])[0]["changed"]
    assert later(60).advance("drop", [], [SA])[0]["changed"]


def test_the_time_of_each_step_is_kept(pki: Path) -> None:
    moments = [datetime(2026, 11, 21, hour, tzinfo=timezone.utc) for hour in range(3)]
    for name, moment in zip(STEPS, moments):
        Rotation(ensure(pki), now=moment).advance(name, [CA], [SA])
    state = json.loads((pki / "rotation.json").read_text())["sa"]
    assert state["times"] == {name: f"2026-11-21T0{hour}:00:00Z" for hour, name in enumerate(STEPS[:3])}


def test_hosts_that_are_left_out_of_a_step_are_listed(pki: Path) -> None:
    for name, hosts in (("trust", ()), ("issue", ["w7"]), ("updated", ["w8"]), ("drop", ())):
        Rotation(ensure(pki), left_out=hosts).advance(name, [CA], [])
    assert json.loads((pki / "rotation.json").read_text())["etcd-ca"]["left_out"] == ["w7", "w8"]


def test_check_mode_predicts_and_touches_nothing(pki: Path) -> None:
    before = content(pki)
    assert step(pki, "trust", check=True) == [True, True]
    assert content(pki) == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("etcd/ca.key", "etcd-ca: its key .*/etcd/ca.key is offline, .*; restore it for the rotation"),
        ("etcd/ca.crt", "etcd-ca: .*/etcd/ca.crt does not exist; create it with role ca"),
        ("sa.key", "sa: .*/sa.key does not exist; create it with role ca"),
    ],
)
def test_an_offline_ca_is_not_rotated(pki: Path, gone: str, message: str, check: bool) -> None:
    """A key is offline for a reason: no other one replaces it here. Check mode predicts that."""
    (pki / gone).unlink()
    before = content(pki)
    with pytest.raises(HardwayError, match=message):
        step(pki, "trust", check=check)
    assert content(pki) == before
