# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations on the controller, interrupted anywhere: the next run, whatever it is, completes them."""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import STEPS
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import same_public_key

from tests.support.ca.rotations import BELOW, CA, SA, content, ensure, made, signer_fits, step


class Killed(BaseException):
    """Replaces a kill of the process."""


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with a CA, its key encrypted, and a key pair."""
    return made(tmp_path / "pki")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_interrupted_at_any_write_is_completed(pki: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(pki).ca(BELOW)
    for earlier in STEPS[: STEPS.index(name)]:
        step(pki, earlier, more=[BELOW])
        ensure(pki).ca(BELOW)
    start, cuts = pki.with_name("start"), 0
    shutil.copytree(pki, start)
    finished = False
    while not finished:
        shutil.rmtree(pki)
        shutil.copytree(start, pki)
        cuts += 1
        with monkeypatch.context() as patch:
            finished = interrupt(pki, name, cuts, patch)
        # As the playbook does: its first step, and the run of the roles that follows it.
        if (pki / "rotation.json").exists() or name != "done":
            step(pki, "trust", more=[BELOW])
        ensure(pki).ca(CA)
        ensure(pki).ca(BELOW)
        ensure(pki).key_pair(SA)
        assert signer_fits(pki) and signer_fits(pki, "kubelet-ca")
        step(pki, name, more=[BELOW])
        for later in STEPS[STEPS.index(name) + 1 :]:
            ensure(pki).ca(BELOW)
            step(pki, later, more=[BELOW])
        assert (
            signer_fits(pki)
            and signer_fits(pki, "kubelet-ca")
            and not list(pki.rglob("*.next.*"))
            and not (pki / "rotation.json").exists()
        )
        files = ("etcd/ca.crt", "kubelet-ca.crt", "sa.pub")
        assert [len(split((pki / file).read_bytes())) for file in files] == [1, 1, 1]
    assert cuts > (1 if name == "done" else 2)


def half_issued(pki: Path) -> None:
    """Leave the state of a kill between the certificates and the key of a new signer."""
    step(pki, "trust")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", killed_at_key(os.replace))
        with pytest.raises(Killed):
            step(pki, "issue")
    assert not signer_fits(pki)


def killed_at_key(function: t.Callable[..., None]) -> t.Callable[..., None]:
    """Return os.replace, but for the key that waits."""

    def replace(source: str, target: str, **at: t.Any) -> None:
        if source.endswith(".next.key"):
            raise Killed
        function(source, target, **at)

    return replace


def test_a_new_signer_whose_key_is_not_yet_in_place_signs(pki: Path) -> None:
    half_issued(pki)
    before = content(pki)
    ca = Issuer.load(Store(str(pki)), "etcd-ca", "secret")
    assert same_public_key(ca.certificate.public_key(), ca.signing_key().public_key())
    assert ensure(pki, check=True).ca(CA)["state"] == "completed"
    assert step(pki, "trust", check=True) == [True, False]
    assert content(pki) == before


def test_any_next_run_completes_it(pki: Path) -> None:
    half_issued(pki)
    shutil.copytree(pki, pki.with_name("same"))
    assert ensure(pki).ca(CA)["state"] == "completed" and signer_fits(pki)
    assert ensure(pki).ca(CA)["state"] == "kept"
    assert step(pki.with_name("same"), "trust") == [True, False] and signer_fits(pki.with_name("same"))
    assert step(pki.with_name("same"), "trust") == [False, False]


def test_the_renamed_key_survives_a_power_cut(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rename is on the disk before the step is recorded."""
    step(pki, "trust")
    new, sync, synced = (pki / "etcd-ca.next.key").read_bytes(), atomic_files.sync_directory, []

    def recorded(path: str) -> None:
        sync(path)
        at = json.loads((pki / "rotation.json").read_text())["etcd-ca"]["step"]
        synced.append((Path(path).name, at, (pki / "etcd/ca.key").read_bytes() == new))

    monkeypatch.setattr(atomic_files, "sync_directory", recorded)
    step(pki, "issue")
    assert ("etcd", "trust", True) in synced


def interrupt(directory: Path, name: str, calls: int, patch: pytest.MonkeyPatch) -> bool:
    """Begin a step and end it before the given write, rename or removal; return whether it was completed."""
    left = calls

    def counting(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def counted(*args: t.Any, **kwargs: t.Any) -> t.Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            return function(*args, **kwargs)

        return counted

    patch.setattr(atomic_files, "write", counting(atomic_files.write))
    patch.setattr(os, "replace", counting(os.replace))
    patch.setattr(os, "unlink", counting(os.unlink))
    try:
        step(directory, name, more=[BELOW])
    except Killed:
        return False
    return True


@pytest.mark.parametrize("lost", ["etcd-ca.next.key", "sa.next.key"])
def test_a_successor_without_its_key_does_not_sign(pki: Path, lost: str) -> None:
    """It would be taken for the current signer, and the old one, which is the current signer, would be distrusted."""
    step(pki, "trust")
    (pki / lost).unlink()
    before = content(pki)
    with pytest.raises(HardwayError, match=r"next\.key: is lost"):
        step(pki, "issue")
    assert content(pki)["sa.key"] == before["sa.key"]
    assert signer_fits(pki)
