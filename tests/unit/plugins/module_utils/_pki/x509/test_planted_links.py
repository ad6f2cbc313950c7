# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in a directory of a service's user, who plants links to get another file of root."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.key_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import new_key

from tests.support.other_user import OTHER_USER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is root that could be led astray")

CA_KEY = new_key(KeySpec("ecdsa", 256))
CA = issue.root(Subject.from_params("ca", [], "ca"), CA_KEY, timedelta(days=10))


@pytest.fixture
def planted(tmp_path: Path) -> Pair:
    """Return a pair of the service's user, in a directory of that user."""
    theirs = tmp_path / "pki"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, OTHER_USER, OTHER_USER)
    asked = {"path": str(theirs / "c"), "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
    pair = Pair(CertificateSpec.from_params({**asked, "owner": str(OTHER_USER), "group": str(OTHER_USER)}))
    renew(pair)
    return pair


def test_a_pair_in_a_directory_that_root_has_moved(tmp_path: Path) -> None:
    """As a link of root to another disk; it stays, and the pair is switched behind it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "pki").symlink_to("disk")
    asked = {"path": str(tmp_path / "pki/c"), "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
    pair = Pair(CertificateSpec.from_params(asked))
    keys = set()
    for _number in range(2):
        renew(pair)
        keys.add((tmp_path / "disk/c.key").read_bytes())
    assert len(keys) == 2 and (tmp_path / "pki").is_symlink()
    assert {path.name: path.is_symlink() for path in (tmp_path / "disk").iterdir()} == {"c.crt": False, "c.key": False}


def renew(pair: Pair) -> None:
    """Issue the certificate with a new key, the controller's part included."""
    request = pair.request(renew_key=True)
    install([(pair, certificate_pem(issue.leaf(pair.spec, issue.request_key(request, pair.spec), CA, CA_KEY)))])


def untouched(shadow: Path) -> bool:
    """Return whether root's file is as it was."""
    found = shadow.stat()
    return (found.st_uid, stat.S_IMODE(found.st_mode), found.st_nlink) == (0, 0o600, 1)


@pytest.mark.parametrize("half", ["crt", "key"])
def test_a_link_in_place_of_a_file_is_not_followed(planted: Pair, shadow: Path, half: str) -> None:
    """Its target gets neither owner nor mode, nor another name."""
    path = Path(f"{planted.spec.path}.{half}")
    path.unlink()
    path.symlink_to(shadow)
    with pytest.raises(HardwayError, match=rf"c\.{half} is a link in a directory where others than root may write"):
        planted.fix_attributes()
    with pytest.raises(HardwayError, match="is a link in a directory"):
        renew(planted)
    assert untouched(shadow)


@pytest.mark.parametrize("target", ["../loot", "/nonexistent/../loot", ".c.new"])
def test_a_planted_temporary_link_is_not_followed(planted: Pair, shadow: Path, tmp_path: Path, target: str) -> None:
    """It leads elsewhere, or to a directory of the attacker with a link in it."""
    theirs, loot = tmp_path / "pki", tmp_path / "loot"
    loot.mkdir()
    shadow.rename(loot / "key")
    (theirs / ".c.new").mkdir()
    (theirs / ".c.new/key").symlink_to(loot / "key")
    os.chown(theirs / ".c.new", OTHER_USER, OTHER_USER)
    (theirs / ".c.pair").symlink_to(target)
    before = (theirs / "c.key").read_bytes()
    if target == ".c.new":
        with pytest.raises(HardwayError, match="is a link in a directory"):
            planted.swap.recover()
    else:
        planted.swap.recover()
        assert not planted.swap.interrupted()
    assert (theirs / "c.key").read_bytes() == before and untouched(loot / "key")


def test_the_directory_of_keys_belongs_to_root(tmp_path: Path) -> None:
    """Also where only keys and CSRs are created, for files that are the service's."""
    before = os.umask(0o077)
    try:
        make_directory(str(tmp_path / "etcd/pki/server"))
    finally:
        os.umask(before)
    for path in (tmp_path / "etcd", tmp_path / "etcd/pki"):
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (0, 0o755)
