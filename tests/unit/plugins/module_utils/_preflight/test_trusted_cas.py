# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CA of a host is known here: a CA with the same key is the same, whatever certificate it has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import new_key
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.trusted_cas import foreign_cas

SUBJECT = Subject.from_params("ca", [], "ca")
OURS, OTHER, FORMER = (new_key(KeySpec("ecdsa", 256)) for _ in range(3))
NAMES = {"/pki/ca.crt": "ca", "/etcd/ca.crt": "etcd-ca"}


def made(key: object, days: int = 9) -> bytes:
    """Return a new certificate for a key; the names are all the same."""
    return certificate_pem(issue.root(SUBJECT, key, timedelta(days=days)))


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with one CA, and its state before a rotation."""
    (tmp_path / "retired").mkdir()
    (tmp_path / "ca.crt").write_bytes(made(OURS))
    (tmp_path / "retired/ca-0123456789ab.crt").write_bytes(made(FORMER))
    return tmp_path


def foreign(pki: Path, text: bytes, path: str = "/pki/ca.crt") -> list[str]:
    """Return the problems of a host with this text in its CA file."""
    return foreign_cas({"k1": {path: text.decode()}}, NAMES, str(pki))


@pytest.mark.parametrize(
    "text",
    [made(OURS), made(OURS, 99), made(OTHER) + made(OURS), made(FORMER), b"damaged", b""],
    ids=["same", "renewed", "rotating", "retired", "damaged", "empty"],
)
def test_our_ca_is_known(pki: Path, text: bytes) -> None:
    assert foreign(pki, text) == []


def test_another_ca_is_reported(pki: Path) -> None:
    (line,) = foreign(pki, made(OTHER))
    assert line.startswith("host k1: /pki/ca.crt (SHA-256 ") and f"is another CA than {pki}/ca.crt (SHA" in line
    assert "set cluster_pki_dir" in line


def test_our_ca_under_another_name_is_another_ca(pki: Path) -> None:
    (line,) = foreign(pki, made(OURS), "/etcd/ca.crt")
    assert f"{pki}/etcd/ca.crt, which does not exist" in line


def test_hosts_of_one_ca_share_a_line(pki: Path) -> None:
    trusted = {host: {"/pki/ca.crt": made(OTHER).decode()} for host in ("k1", "k2")}
    assert len(foreign_cas(trusted, NAMES, str(pki))) == 2
    trusted["k1"] = trusted["k2"]
    (line,) = foreign_cas(trusted, NAMES, str(pki))
    assert line.startswith("hosts k1, k2: ")


def test_cas_of_an_etcd_with_data_cannot_be_replaced(pki: Path) -> None:
    trusted = {"k1": {"/pki/ca.crt": made(OTHER).decode()}}
    (line,) = foreign_cas(trusted, NAMES, str(pki), ["k3", "k2"])
    assert "on hosts k2, k3 etcd has data" in line and "/etc/etcd/formed are removed" in line
