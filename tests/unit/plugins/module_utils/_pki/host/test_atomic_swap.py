# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wherever a run is killed, key and certificate on the disk belong together, also before the next run repairs them."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.atomic_swap import PairSwap
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.ca_files import Trust
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.key_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key

from tests.support.kill_midway import each_kill, run_killed

CA_KEY = new_key(KeySpec("ecdsa", 256))
CA = issue.root(Subject.from_params("ca", [], "ca"), CA_KEY, timedelta(days=10))


def pair(directory: Path) -> Pair:
    """Return the pair of a client's certificate in directory."""
    params = {"path": str(directory / "c"), "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
    return Pair(CertificateSpec.from_params(params))


def make(target: Pair, *, renew_key: bool = True) -> None:
    """Issue a certificate, by default with a new key, the controller's part included."""
    request = target.request(renew_key=renew_key)
    install([(target, certificate_pem(issue.leaf(target.spec, issue.request_key(request, target.spec), CA, CA_KEY)))])


def usable(certificate: Path, key: Path) -> bool:
    """Return whether OpenSSL loads both; a key of another certificate is an error, a missing half is not."""
    if there := certificate.exists() and key.exists():
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    return there


def names(directory: Path) -> list[str]:
    """Return the names of all files."""
    return sorted(path.name for path in directory.iterdir())


def plain(*paths: Path) -> bool:
    """Return whether both are plain files with the right mode."""
    return [oct(path.lstat().st_mode) for path in paths] == ["0o100644", "0o100600"]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a pair."""
    make(pair(directory := tmp_path_factory.mktemp("before")))
    return directory


@pytest.mark.parametrize(("renew_key", "calls"), [(True, 20), (False, 3)])
def test_every_state_during_a_reissue_is_a_pair(before: Path, tmp_path: Path, renew_key: bool, calls: int) -> None:
    """The old one or the new one; the next run leaves plain files."""
    old, found = (before / "c.crt").read_bytes(), set()

    def work(number: int) -> t.Callable[[], None]:
        shutil.copytree(before, tmp_path / str(number))
        return functools.partial(make, pair(tmp_path / str(number)), renew_key=renew_key)

    for number in each_kill(work):
        directory = tmp_path / str(number)
        certificate, key = directory / "c.crt", directory / "c.key"
        assert usable(certificate, key), f"killed before call {number}"
        found.add(certificate.read_bytes() == old)
        assert certificate.stat().st_mode & 0o777 == 0o644 and key.stat().st_mode & 0o777 == 0o600
        pair(directory).swap.recover()
        assert usable(certificate, key) and plain(certificate, key)
        make(pair(directory))
        assert usable(certificate, key) and plain(certificate, key)
        assert [name for name in names(directory) if not name.endswith(".tmp")] == ["c.crt", "c.key"]
    assert found == {True, False}
    assert number > calls


def test_every_state_during_a_repair_is_a_pair(before: Path, tmp_path: Path) -> None:
    """Killed in the worst state, repeatedly."""
    for number in range(1, 60, 2):
        directory = tmp_path / str(number)
        shutil.copytree(before, directory)
        run_killed(functools.partial(make, pair(directory)), number)

        def work(second: int, directory: Path = directory) -> t.Callable[[], None]:
            copy = directory.with_name(f"{directory.name}-{second}")
            shutil.copytree(directory, copy, symlinks=True)
            return pair(copy).swap.recover

        for second in each_kill(work):
            copy = directory.with_name(f"{directory.name}-{second}")
            assert usable(copy / "c.crt", copy / "c.key"), f"killed before call {number}, then {second}"
            pair(copy).swap.recover()
            assert plain(copy / "c.crt", copy / "c.key") and not pair(copy).swap.interrupted()


@pytest.mark.parametrize("lost", [["c.key"], ["c.crt"], ["c.crt", "c.key"]])
def test_files_that_are_no_pair_become_a_valid_pair_or_stay(before: Path, tmp_path: Path, lost: list[str]) -> None:
    def work(number: int) -> t.Callable[[], None]:
        shutil.copytree(before, tmp_path / str(number))
        for name in lost:
            (tmp_path / str(number) / name).unlink()
        return functools.partial(make, pair(tmp_path / str(number)))

    found = set()
    for number in each_kill(work):
        directory = tmp_path / str(number)
        found.add(usable(directory / "c.crt", directory / "c.key"))
        make(pair(directory))
        assert usable(directory / "c.crt", directory / "c.key") and plain(directory / "c.crt", directory / "c.key")
    assert found == {True, False}


def test_a_ca_and_its_key_on_a_master_change_together(tmp_path: Path) -> None:
    """Two names, two directories; a file system without hard links; links that a user has made."""
    keys = [new_key(KeySpec("ecdsa", 256)) for _ in range(2)]
    cas = [certificate_pem(issue.root(Subject.from_params("a", [], "a"), key, timedelta(days=9))) for key in keys]
    entry = {"ca": "ca", "path": "", "key_path": "", "signer": True}

    def trust(directory: Path, number: int) -> Trust:
        paths = {"path": str(directory / "ca-signer.crt"), "key_path": str(directory / "private/ca.key")}
        return Trust({**entry, **paths}, cas[number])

    def work(number: int) -> t.Callable[[], None]:
        directory = tmp_path / str(number)
        directory.mkdir()
        trust(directory, 0).write(key_pem(keys[0]))
        if number % 2:
            (directory / "ca-signer.crt").rename(directory / "elsewhere")
            (directory / "ca-signer.crt").symlink_to("elsewhere")

        def change() -> None:
            if number % 3 == 0:
                os.link = refused
            trust(directory, 1).write(key_pem(keys[1]))

        return change

    def refused(*_arguments: t.Any, **_options: t.Any) -> None:
        raise PermissionError

    for number in each_kill(work):
        certificate, key = tmp_path / str(number) / "ca-signer.crt", tmp_path / str(number) / "private/ca.key"
        assert usable(certificate, key), f"killed before call {number}"
        trust(tmp_path / str(number), 1).write(key_pem(keys[1]))
        assert usable(certificate, key) and plain(certificate, key)
        assert certificate.read_bytes() == cas[1]


def test_each_step_is_on_the_disk_before_the_next(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut keeps any part of what was not synchronised: so there is a sync between what must not be mixed."""
    shutil.copytree(before, tmp_path / "d")
    log: list[str] = []
    replace, sync = os.replace, atomic_files.sync_directory
    monkeypatch.setattr(os, "replace", lambda *names, **at: (log.append(Path(names[1]).name), replace(*names, **at)))
    monkeypatch.setattr(
        atomic_files, "sync_directory", lambda path: (log.append(f"sync {Path(path).name}"), sync(path))
    )
    switch = PairSwap(str(tmp_path / "d/c.crt"), str(tmp_path / "d/c.key"))
    key = new_key(KeySpec("ecdsa", 256))
    switch.replace(
        certificate_pem(issue.root(Subject.from_params("x", [], "x"), key, timedelta(days=9))), key_pem(key), None, None
    )
    steps = [name for name in log if name in ("c.crt", "c.key", ".c.pair", "sync d")]
    assert steps == [".c.pair", "sync d", "c.key", "c.crt", "sync d", ".c.pair", "sync d", "c.key", "c.crt", "sync d"]
    assert log.index("sync .c.new") < log.index(".c.pair") and log.index("sync .c.old") < log.index(".c.pair")
    assert usable(tmp_path / "d/c.crt", tmp_path / "d/c.key")


def test_the_target_of_a_link_stays(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(before, tmp_path / "d")
    replace, walked = os.replace, []

    def observed(source: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        path = Path(f"/proc/self/fd/{dst_dir_fd}").readlink() / name
        walked.append(path.resolve())
        replace(source, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        assert walked[-1].exists(), f"who had just read the link {path} was on the way to {walked[-1]}"

    monkeypatch.setattr(os, "replace", observed)
    make(pair(tmp_path / "d"))
    assert {path.name for path in walked} >= {"c.key", "c.crt", ".c.old", "key", "crt"}
