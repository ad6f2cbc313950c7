# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file of the directory that role ca writes, lost: what cannot be regenerated is an error, and stays so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.ca.in_process import call, files
from tests.support.ca.playbook import APPLY, CHECK, openssl, play
from tests.support.roles.rendered import Rendered

VARIABLES = {"cluster_kubelet_intermediate": True}
# The error about a lost file; nothing for one that is regenerated without harm.
LOST: dict[str, str | None] = {
    ".gitignore": None,
    ".lock": None,
    "ca.crt": "/etc/kubernetes/pki/ca.crt",
    "ca.key": "ca_offline",
    "contents.json": None,
    "etcd-peer-ca.crt": "/etc/etcd/pki/peer-ca.crt",
    "etcd-peer-ca.key": "ca_offline",
    "etcd/ca.crt": "/etc/etcd/pki/ca.crt",
    "etcd/ca.key": "ca_offline",
    "front-proxy-ca.crt": "/etc/kubernetes/pki/front-proxy-ca.crt",
    "front-proxy-ca.key": "ca_offline",
    "issued.jsonl": "serial numbers",
    "kubelet-ca.crt": "all hosts reject another CA",
    "kubelet-ca.key": "/etc/kubernetes/pki/kubelet-ca.key",
    "sa.key": "/etc/kubernetes/pki/sa.key",
    "sa.pub": None,
    "secrets/encryption.key": "/etc/kubernetes/encryption.yaml",
    "secrets/keepalived.password": "/etc/keepalived/keepalived.conf",
}
KEPT = sorted(name for name, words in LOST.items() if words)


# Wrong contents of contents.json, which would disable the guard.
DAMAGED = ["{", "[]", '{"files": "abc"}', '{"files": [1]}', '{"files": ["ca.key"], "issued": "x"}']


def role(directory: Path, **variables: Any) -> dict[str, Any]:
    """Return the task that is role ca."""
    settings = {"cluster_pki_dir": str(directory), **VARIABLES, **variables}
    return {"import_role": {"name": "hardway.kubernetes.ca"}, "vars": settings}


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory as a real run of role ca writes it."""
    directory = tmp_path_factory.mktemp("complete")
    outcome = play(directory, [(APPLY, role(directory / "pki"))])
    assert "failed=0" in outcome.output, outcome.output
    return directory / "pki"


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """Return the options that role ca gives the module."""
    found = Rendered("ca", "m1", {"m1": "192.0.2.1"}, {"master": ["m1"]}, **VARIABLES)
    return {
        "cas": found.value("_ca_own"),
        "key_pairs": [{"name": "sa"}],
        "secrets": found.value("_ca_secrets"),
    }


@pytest.fixture
def again(complete: Path, tmp_path: Path, options: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return a function that runs role ca's task in a copy of the directory, below tmp_path."""
    shutil.copytree(complete, tmp_path / "pki")

    def run(check: bool = False, **params: Any) -> dict[str, Any]:
        return call("pki_ca", check, ca_dir=str(tmp_path / "pki"), **{**options, **params})

    return run


def test_this_test_covers_every_file(complete: Path) -> None:
    """A new file of the directory must be listed as lost, or as harmless."""
    found = {str(path.relative_to(complete)) for path in complete.rglob("*") if path.is_file()}
    assert found == set(LOST)
    assert set(json.loads((complete / "contents.json").read_text())["files"]) == set(KEPT)


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "of-an-earlier-release"])
@pytest.mark.parametrize("name", sorted(LOST))
def test_a_lost_file(again: Callable[..., dict[str, Any]], tmp_path: Path, name: str, listed: bool) -> None:
    """Also in check mode; also in a directory without the list of its contents."""
    pki = tmp_path / "pki"
    if not listed:
        (pki / "contents.json").unlink()
    (pki / name).unlink(missing_ok=True)
    before = files(pki)
    words = LOST[name]
    if words is None:
        again()
        assert {path for path in before if files(pki)[path] != before[path]} == set()
        assert again()["changed"] is False
        return
    for check in (True, False):
        with pytest.raises(HardwayError) as error:
            again(check)
        assert words in str(error.value)
        assert f"{name} (" in str(error.value)
        assert json.dumps({"ca_regenerate": [name]}) in str(error.value)
    assert files(pki) == before


CA_FILES = [name for name in KEPT if name.endswith(("ca.crt", "ca.key"))]
ADMIN = ["admin.crt", ".persons/alice.crt"]


@pytest.mark.parametrize("restored", [["sa.key"], ["sa.pub"], ["admin.crt"], [".persons/alice.crt"], ["issued.jsonl"]])
@pytest.mark.parametrize("cas", [CA_FILES, []], ids=["with CAs", "without CAs"])
def test_a_directory_that_was_restored_in_part(
    again: Callable[..., dict[str, Any]], tmp_path: Path, restored: list[str], cas: list[str]
) -> None:
    """Neither contents.json nor secrets are back, and what is there only an earlier run can have left."""
    pki = tmp_path / "pki"
    for name in ADMIN:
        (pki / name).parent.mkdir(exist_ok=True)
        (pki / name).write_text("a certificate")
    keep(pki, [*cas, *restored])
    before = files(pki)
    for check in (True, False):
        with pytest.raises(HardwayError) as error:
            again(check)
        for name in {*KEPT, "sa.key"} - {*CA_FILES, *restored}:
            assert f"{name} (" in str(error.value)
        assert cas or "; ca.crt (" in str(error.value) or ": ca.crt (" in str(error.value)
    assert files(pki) == before


@pytest.mark.parametrize("cas", [["ca.crt", "ca.key"], ["ca.crt"], CA_FILES], ids=["one CA", "an offline CA", "all"])
def test_own_cas_are_no_earlier_run(
    again: Callable[..., dict[str, Any]], options: dict[str, Any], tmp_path: Path, cas: list[str]
) -> None:
    pki = tmp_path / "pki"
    keep(pki, cas)
    before = files(pki)
    # An offline CA signs no intermediate.
    asked = {"cas": [item for item in options["cas"] if item["name"] != "kubelet-ca"]}
    assert again(**asked)["changed"]
    assert {name: files(pki)[name] for name in before} == before
    assert (pki / "secrets/encryption.key").exists()
    assert not again(**asked)["changed"]


def keep(pki: Path, names: list[str]) -> None:
    """Remove all other files of a directory."""
    for path in sorted(pki.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and str(path.relative_to(pki)) not in names:
            path.unlink()


@pytest.mark.parametrize("name", KEPT)
def test_a_named_file_is_replaced(again: Callable[..., dict[str, Any]], tmp_path: Path, name: str) -> None:
    """Afterwards the directory is complete: what is lost then is lost again."""
    path = tmp_path / "pki" / name
    path.unlink()
    assert again(True, regenerate=[name])["changed"]
    assert again(regenerate=[name])["changed"]
    assert not again(regenerate=[name])["changed"]
    assert not again()["changed"]
    path.unlink()
    with pytest.raises(HardwayError, match="lost"):
        again()


def test_all_lost_files_are_reported_at_once(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for name in KEPT:
        if name != "ca.crt":
            (tmp_path / "pki" / name).unlink()
    with pytest.raises(HardwayError) as error:
        again()
    assert [name for name in KEPT if f" {name} (" not in str(error.value)] == ["ca.crt"]


def test_short_names_and_wrong_names(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for name in ("secrets/encryption.key", "etcd/ca.key"):
        (tmp_path / "pki" / name).unlink()
    with pytest.raises(HardwayError, match=r"regenerate encription\.key: not a file of this directory; use some of"):
        again(regenerate=["encription.key"])
    assert again(regenerate=["encryption.key", "etcd-ca.key"])["changed"]
    (aside,) = (tmp_path / "pki/retired/lost").iterdir()
    assert aside.name.endswith("-etcd-ca.crt")


def test_tokens_of_a_replaced_key_stay_accepted(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    old = (pki / "sa.pub").read_text()
    (pki / "sa.key").unlink()
    again(regenerate=["sa.key"])
    new = openssl("pkey", "-in", pki / "sa.key", "-pubout")
    assert (pki / "sa.pub").read_text() == new + old


def test_a_key_that_was_moved_offline(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Set once, it stays so until the key is back."""
    key = tmp_path / "pki/front-proxy-ca.key"
    key.rename(tmp_path / "aside")
    assert not again(True, offline=["front-proxy-ca"])["changed"]
    assert not again(offline=["front-proxy-ca"])["changed"]
    again()
    (tmp_path / "aside").rename(key)
    again()
    key.unlink()
    with pytest.raises(HardwayError, match=r"front-proxy-ca\.key"):
        again()


def test_files_that_a_directory_never_had_are_created(
    again: Callable[..., dict[str, Any]], options: dict[str, Any]
) -> None:
    """As after an update of the collection: another CA, another secret."""
    more = {
        "cas": [*options["cas"], {"name": "later-ca"}],
        "secrets": [*options["secrets"], {"name": "later.key"}],
    }
    states = again(**more)
    assert states["cas"][-1]["state"] == states["secrets"][-1]["state"] == "created"


def test_a_rotation_without_its_note(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Its step is recorded nowhere else; neither the role nor the next step goes on."""
    pki = tmp_path / "pki"
    rotation = {"ca_dir": str(pki), "key_pairs": [{"name": "sa"}]}
    call("pki_rotation", step="trust", **rotation)
    again()
    (pki / "sa.pub").rename(tmp_path / "sa.pub")
    with pytest.raises(HardwayError, match=r"sa\.pub \(during the rotation two keys are accepted"):
        again()
    (tmp_path / "sa.pub").rename(pki / "sa.pub")
    (pki / "rotation.json").unlink()
    with pytest.raises(HardwayError, match=r"rotation\.json \(the state of rotations"):
        again()
    with pytest.raises(HardwayError, match=r"rotation\.json: is lost"):
        call("pki_rotation", step="issue", **rotation)
    again(regenerate=["rotation.json"])
    assert not again()["changed"]


def test_a_finished_rotation_needs_no_note(again: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for step in ("trust", "issue", "updated", "drop", "done"):
        call("pki_rotation", ca_dir=str(tmp_path / "pki"), key_pairs=[{"name": "sa"}], step=step, min_age="1ms")
        again()
    assert not (tmp_path / "pki/rotation.json").exists()


def test_a_certificate_is_not_signed_without_the_journal(complete: Path, tmp_path: Path) -> None:
    """A role that is used alone does not begin another one either."""
    shutil.copytree(complete, tmp_path / "pki")
    (tmp_path / "pki/issued.jsonl").unlink()
    asked = {"path": str(tmp_path / "c"), "ca": "ca", "profile": "client", "common_name": "c"}
    with pytest.raises(HardwayError, match=r"issued\.jsonl: is lost"):
        call("pki_certificate", ca_dir=str(tmp_path / "pki"), certificates=[asked])


class Killed(BaseException):
    """The end of a run, as by a kill."""


def test_a_first_run_that_was_killed_goes_on(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each file that it writes: the same command finishes, and no existing file is replaced."""
    write, left = atomic_files.write, [0]

    def mortal(path: str, data: bytes, **how: Any) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        write(path, data, **how)

    monkeypatch.setattr(atomic_files, "write", mortal)
    kills = 0
    while True:
        directory = tmp_path / str(kills)
        left[0] = kills
        try:
            call("pki_ca", ca_dir=str(directory), **options)
            break
        except Killed:
            # As after a kill: what the rest of the run would have recorded is missing.
            pass
        before = files(directory)
        left[0] = -1
        call("pki_ca", ca_dir=str(directory), **options)
        after = files(directory)
        changed = {Path(path).name for path in before if after[path] != before[path]}
        assert changed <= {"contents.json", "issued.jsonl"}, kills
        left[0] = -1
        assert not call("pki_ca", ca_dir=str(directory), **options)["changed"]
        kills += 1
    assert kills > 12


def test_the_role_accepts_names_as_text_and_as_a_list(complete: Path, tmp_path: Path) -> None:
    """Text is what -e gives; a check reports the same as a run."""
    shutil.copytree(complete, tmp_path / "pki")
    (tmp_path / "pki/secrets/encryption.key").unlink()
    for check in (CHECK, APPLY):
        outcome = play(tmp_path / f"run-{check}", [(check, role(tmp_path / "pki"))])
        assert "secrets/encryption.key (nothing else decrypts" in " ".join(outcome.output.split())
    named = ("-e", "ca_regenerate=encryption.key,keepalived.password")
    assert "changed=1" in play(tmp_path / "again", [(APPLY, role(tmp_path / "pki"))], *named).output
    (tmp_path / "pki/sa.key").unlink()
    named = ("-e", json.dumps({"ca_regenerate": ["sa.key"]}))
    assert "changed=1" in play(tmp_path / "list", [(APPLY, role(tmp_path / "pki"))], *named).output


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_list_is_an_error(complete: Path, tmp_path: Path, text: str) -> None:
    pki = tmp_path / "pki"
    shutil.copytree(complete, pki)
    (pki / "contents.json").write_text(text)
    outcome = play(tmp_path, [(APPLY, role(pki))])
    assert "contents.json: is damaged; restore it from a backup" in outcome.output
    assert (pki / "contents.json").read_text() == text


NO_ROTATIONS = [
    "",
    "{",
    "[1]",
    '{"ca": 1}',
    '{"ca": {}}',
    '{"ca": {"step": "later", "old": "a", "new": "b", "times": {}}}',
    '{"ca": {"step": "trust", "old": 1, "new": 2, "times": {}}}',
    '{"ca": {"step": "trust", "old": "a", "new": "b", "times": {"trust": "today"}}}',
]


@pytest.mark.parametrize("text", NO_ROTATIONS)
def test_damaged_rotations_are_an_error(again: Callable[..., dict[str, Any]], tmp_path: Path, text: str) -> None:
    """In the role and in the rotation, which write nothing."""
    pki = tmp_path / "pki"
    (pki / "rotation.json").write_text(text)
    before = files(pki)
    for check in (True, False):
        with pytest.raises(HardwayError, match=r"rotation\.json: is damaged; restore it from a backup"):
            again(check)
        with pytest.raises(HardwayError, match=r"rotation\.json: is damaged; restore it from a backup"):
            call("pki_rotation", check, ca_dir=str(pki), cas=[{"name": "ca"}], step="trust")
    assert files(pki) == before


@pytest.mark.parametrize("keep", [0, 700])
def test_a_log_that_was_cut_is_an_error_until_it_is_accepted(complete: Path, tmp_path: Path, keep: int) -> None:
    """What is left of it is kept, and the next line is a line of its own."""
    pki = tmp_path / "pki"
    shutil.copytree(complete, pki)
    left = (pki / "issued.jsonl").read_bytes()[:keep]
    (pki / "issued.jsonl").write_bytes(left)
    outcome = play(tmp_path, [(CHECK, role(pki)), (APPLY, role(pki))])
    assert "issued.jsonl (the serial numbers of all certificates, which a revocation needs; where the" in outcome.output
    assert (pki / "issued.jsonl").read_bytes() == left
    accepted = play(tmp_path, [(APPLY, role(pki, ca_regenerate=["issued.jsonl"], cluster_certificate_renew=["ca"]))])
    assert "failed=0" in accepted.output, accepted.output
    call("pki_ca", ca_dir=str(pki), cas=[{"name": "another-ca"}])
    log = (pki / "issued.jsonl").read_bytes()
    assert log.startswith(left) and log[len(left) :].lstrip(b"\n").startswith(b"{")
    assert json.loads(log.splitlines()[-1])["path"].endswith("another-ca.crt")
    assert "failed=0" in play(tmp_path, [(APPLY, role(pki))]).output
