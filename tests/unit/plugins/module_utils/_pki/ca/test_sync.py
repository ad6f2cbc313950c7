# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PKI directory and its encrypted copies: packing, encryption, and a kill before every file-system call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import packing, sealing
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sync import Synchronised
from ansible_collections.hardway.kubernetes.plugins.modules import pki_store_copy

from tests.support.kill_midway import each_kill

PASSPHRASE = "correct horse"
SECRET = "-----BEGIN PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys quickly, and wait for no disk: a kill of the process loses nothing that was written."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(sealing, "_COST", {"n": 2, "r": 1, "p": 1})


class Controller:
    """A PKI directory, and hosts whose files are here."""

    def __init__(self, top: Path, name: str, hosts: int = 2) -> None:
        self.pki = top / name
        self.hosts = {f"n{number}": top / f"n{number}" / "pki-store" for number in range(1, hosts + 1)}
        self.down: set[str] = set()

    def write(self, **files: str) -> None:
        """Write files in the directory."""
        for name, text in files.items():
            path = self.pki / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(text, encoding="utf-8")

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the copies, as a task does."""
        return {
            host: {"unreachable": True, "msg": "timed out"} if host in self.down else pki_store_copy.read(str(path), "")
            for host, path in self.hosts.items()
        }

    def load(self, discard: int = 0, passphrase: str = PASSPHRASE, check: bool = False) -> dict[str, Any]:
        """Begin a run."""
        return Synchronised(str(self.pki), passphrase, check).load(self.read(), discard)

    def save(self, discard: int = 0, passphrase: str = PASSPHRASE, hosts: int = 9) -> dict[str, Any]:
        """Write the copies, of some hosts only if the run is killed meanwhile."""
        found = Synchronised(str(self.pki), passphrase, False).save(self.read(), discard, False)
        for host in found["outdated"][:hosts]:
            pki_store_copy.write(str(self.hosts[host]), Path(found["copy_path"]).read_text(encoding="utf-8"), False)
        return found

    def content(self) -> dict[str, packing.File]:
        """Return the files of the directory."""
        return packing.read_files(str(self.pki))


@pytest.fixture
def first(tmp_path: Path) -> Controller:
    """Return a controller whose directory is on both hosts."""
    made = Controller(tmp_path, "first")
    made.load()
    made.write(ca_crt="certificate", ca_key=SECRET, secrets__encryption_key="key")
    (made.pki / "ca.key").chmod(0o600)
    made.save()
    return made


@pytest.fixture
def second(tmp_path: Path) -> Controller:
    """Return a controller without a directory."""
    return Controller(tmp_path, "second")


def test_packing_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    """Locks, temporary files and what is known of the synchronisation do not count; modes are packed."""
    for name in ("one", "two"):
        (tmp_path / name / "etcd").mkdir(parents=True)
        for path in ("etcd/ca.crt", "a.crt", "ü" * 120 + ".csr")[:: 1 if name == "one" else -1]:
            (tmp_path / name / path).write_text(path, encoding="utf-8")
    two = tmp_path / "two"
    (two / ".store").mkdir()
    for path in (".lock", ".a.crt.1-2-3-00000000.tmp", ".store/copy"):
        (two / path).write_text("local", encoding="utf-8")
    os.utime(two / "a.crt", (1, 1))
    files = packing.read_files(str(tmp_path / "one"))
    assert packing.pack(files) == packing.pack(packing.read_files(str(two)))
    assert packing.unpack(packing.pack(files)) == files
    (two / "a.crt").chmod(0o640)
    changed = packing.read_files(str(two))
    assert packing.digest(changed) == packing.digest(files)
    assert packing.unpack(packing.pack(changed))["a.crt"].mode == 0o640
    (two / "a.crt").rename(two / "b.crt")
    assert packing.digest(packing.read_files(str(two))) != packing.digest(files)


def test_linked_directories_are_refused(tmp_path: Path) -> None:
    """No copy would have their files."""
    (tmp_path / "other").mkdir()
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki/etcd").symlink_to(tmp_path / "other")
    with pytest.raises(HardwayError, match="link to a directory"):
        packing.read_files(str(tmp_path / "pki"))


def test_a_controller_without_a_directory_gets_it(first: Controller, second: Controller) -> None:
    assert second.load()["changed"]
    assert second.content() == first.content()
    assert (second.pki.stat().st_mode & 0o777, (second.pki / "ca.key").stat().st_mode & 0o777) == (0o700, 0o600)
    found = second.save()
    assert (found["changed"], found["outdated"], found["generation"]) == (False, [], 1)
    assert not first.load()["changed"]


def test_hosts_have_no_plain_text(first: Controller) -> None:
    """Neither has the file for them on the controller."""
    for path in [*first.hosts.values(), first.pki / ".store/copy"]:
        text = path.read_text(encoding="utf-8")
        assert SECRET not in text and PASSPHRASE not in text
    assert first.hosts["n1"].stat().st_mode & 0o777 == 0o600


def test_check_mode_writes_nothing(first: Controller, second: Controller, tmp_path: Path) -> None:
    """The files that a run would have are in another directory."""
    found = Synchronised(str(second.pki), PASSPHRASE, True).load(second.read(), 0, str(tmp_path / "preview"))
    assert found["changed"] and not second.pki.exists()
    assert "replaced by generation 1" in found["diff"]["after"]
    assert packing.read_files(found["ca_dir"]) == first.content()
    found = Synchronised(found["ca_dir"], PASSPHRASE, True).save(first.read(), 0, False)
    assert (found["changed"], found["outdated"]) == (False, [])
    state = {path: path.read_bytes() for path in first.pki.rglob("*") if path.is_file()}
    first.load(check=True)
    found = Synchronised(str(first.pki), PASSPHRASE, True).save(first.read(), 0, True)
    assert found["changed"] and found["outdated"] == ["n1", "n2"]
    assert pki_store_copy.write(str(first.hosts["n1"]), "", True) == {"changed": True}
    assert state == {path: path.read_bytes() for path in first.pki.rglob("*") if path.is_file()}


def test_an_update_reaches_the_other_controller(first: Controller, second: Controller) -> None:
    """What the first one changed, added and removed; what it replaces there is put aside."""
    second.load()
    first.write(ca_crt="renewed", new_crt="new")
    (first.pki / "secrets/encryption.key").unlink()
    assert first.save()["generation"] == 2
    assert second.load()["changed"]
    assert second.content() == first.content()
    before = packing.unpack((second.pki / ".store/before").read_bytes())
    assert before["ca.crt"].data == b"certificate" and before["secrets/encryption.key"].data == b"key"


def test_a_lost_update_is_refused_and_both_ways_out_work(first: Controller, second: Controller) -> None:
    second.load()
    first.write(ca_crt="renewed")
    first.save()
    second.write(ca_crt="other")
    with pytest.raises(
        HardwayError, match=r"changed since generation 1; the store has generation 2, which .*@.* wrote"
    ):
        second.load()
    assert (second.pki / "ca.crt").read_text() == "other"
    second.load(discard=2)
    assert second.save(discard=2)["generation"] == 3
    assert first.load()["changed"] and first.content() == second.content()
    # The other way.
    first.write(ca_crt="again")
    first.save()
    second.write(ca_crt="lost")
    shutil.move(second.pki, second.pki.parent / "away")
    assert second.load()["changed"] and second.content() == first.content()


def test_a_run_that_waited_for_the_lock_does_not_go_on_with_an_old_state(first: Controller, second: Controller) -> None:
    """Both have read the same generation; the other one was quicker."""
    second.load()
    first.write(ca_crt="renewed")
    first.save()
    with pytest.raises(HardwayError, match="another run has written generation 2"):
        second.save()


def test_a_host_refuses_what_is_not_based_on_its_copy(first: Controller, second: Controller) -> None:
    """Even where the controller has read an older one."""
    second.load()
    seen = second.read()
    first.write(ca_crt="renewed")
    first.save()
    second.write(ca_crt="other")
    found = Synchronised(str(second.pki), PASSPHRASE, False).save(seen, 0, False)
    text = Path(found["copy_path"]).read_text(encoding="utf-8")
    with pytest.raises(HardwayError, match="lost update: generation 2"):
        pki_store_copy.write(str(second.hosts["n1"]), text, False)


def test_a_host_that_was_down_is_brought_up_to_date(first: Controller) -> None:
    first.down = {"n2"}
    first.write(ca_crt="renewed")
    found = first.save()
    assert found["outdated"] == ["n1"] and found["warnings"] == [
        "n2: gets its copy of the PKI directory in the next run"
    ]
    first.down = set()
    first.load()
    found = first.save()
    assert (found["changed"], found["outdated"]) == (False, ["n2"])
    assert first.hosts["n1"].read_text() == first.hosts["n2"].read_text()


def test_a_damaged_copy_is_replaced_from_the_directory_only(first: Controller, second: Controller) -> None:
    """Without a directory, damaged copies are no reason for new CAs."""
    damaged = first.hosts["n1"].read_text(encoding="utf-8")[:-9]
    for path in first.hosts.values():
        path.write_text(damaged, encoding="utf-8")
    with pytest.raises(HardwayError, match=r"n1: .*damaged.*new CAs would replace"):
        second.load()
    assert any("damaged" in line for line in first.load()["warnings"])
    assert first.save()["outdated"] == ["n1", "n2"]
    assert second.load()["changed"]


def test_a_wrong_passphrase_loses_nothing(first: Controller, second: Controller) -> None:
    """Where the directory is available, removed copies are written with a new one."""
    with pytest.raises(HardwayError, match=r"does not open /etc/hardway/pki-store of hosts n1, n2; set"):
        second.load(passphrase="wrong")
    assert not second.pki.exists()
    state = first.content()
    first.write(ca_crt="renewed")
    with pytest.raises(HardwayError, match="does not open"):
        first.save(passphrase="wrong")
    first.write(ca_crt="certificate")
    assert first.content() == state
    for path in first.hosts.values():
        path.unlink()
    first.load(passphrase="new one")
    assert first.save(passphrase="new one")["outdated"] == ["n1", "n2"]
    second.load(passphrase="new one")
    assert second.content() == state


def test_a_forged_header_is_refused(first: Controller, second: Controller) -> None:
    """A host cannot make its copy look newer, or exchange the content."""
    text = first.hosts["n1"].read_text(encoding="utf-8")
    first.hosts["n1"].write_text(text.replace('"generation": 1', '"generation": 7'), encoding="utf-8")
    with pytest.raises(HardwayError, match=r"does not open .* of host n1"):
        second.load()


def test_a_passphrase_is_required(first: Controller) -> None:
    with pytest.raises(HardwayError, match="cluster_pki_store_passphrase: is empty"):
        first.load(passphrase="")


@pytest.mark.parametrize("fresh", [True, False])
def test_a_kill_while_reading_loses_nothing(first: Controller, tmp_path: Path, fresh: bool) -> None:
    """Killed before each file-system call, the next run finishes; until then nothing else uses the directory."""
    old = Controller(tmp_path, "old")
    old.load()
    first.write(ca_crt="renewed", new_crt="new")
    (first.pki / "secrets/encryption.key").unlink()
    first.save()

    def other(number: int) -> Controller:
        made = Controller(tmp_path, f"other{number}")
        if not fresh and not made.pki.exists():
            shutil.copytree(old.pki, made.pki)
        return made

    refused = 0
    for number in each_kill(lambda number: other(number).load):
        made = other(number)
        if (made.pki / ".store/incoming").exists():
            refused += 1
            preview = str(tmp_path / f"preview{number}")
            found = Synchronised(str(made.pki), PASSPHRASE, True).load(made.read(), 0, preview)
            assert found["changed"] and packing.read_files(found["ca_dir"]) == first.content()
            with pytest.raises(HardwayError, match="was interrupted"), Store(str(made.pki)).locked():
                pass
        made.load()
        assert made.content() == first.content()
        assert made.save()["generation"] == 2
        if not fresh:
            assert packing.unpack((made.pki / ".store/before").read_bytes()) == old.content()
    assert refused > 3


def test_a_kill_while_writing_loses_nothing(first: Controller, tmp_path: Path) -> None:
    """Killed before each file-system call, and between two hosts, the next run finishes."""

    def work(number: int) -> Callable[[], object]:
        first.write(ca_crt=f"renewed {number}")
        return lambda: first.save(hosts=1)

    for number in each_kill(work):
        first.load()
        first.save()
        other = Controller(tmp_path, f"other{number}")
        other.load()
        assert other.content() == first.content()
        assert first.hosts["n1"].read_text() == first.hosts["n2"].read_text()
