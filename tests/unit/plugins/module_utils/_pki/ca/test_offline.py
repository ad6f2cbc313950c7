# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs for offline CAs, and the certificates that are put beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline import Offline
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import new_key

KEY, LEAF_KEY = (new_key(KeySpec("ecdsa", 256)) for _ in range(2))
CA = issue.root(Subject.from_params("ca", [], "ca"), KEY, timedelta(days=10))
LEAF = CertificateSpec.from_params(
    {"path": "/p/c", "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
)


def answer() -> bytes:
    """Return a certificate for the CSR, another one each time."""
    return certificate_pem(issue.leaf(LEAF, LEAF_KEY.public_key(), CA, KEY))


@pytest.fixture
def used(tmp_path: Path) -> tuple[Offline, Path]:
    """Return CSRs of which one was signed and installed, and the path of its certificate."""
    (tmp_path / "ca.crt").write_bytes(certificate_pem(CA))
    offline = Offline(Store(str(tmp_path)))
    ca, request = Issuer.load(offline.store, "ca"), issue.request_pem(LEAF, LEAF_KEY)
    assert offline.leaf(ca, LEAF, request, "h", 0.3) is None
    certificate = next(tmp_path.rglob("*.csr")).with_suffix(".crt")
    certificate.write_bytes(answer())
    assert offline.leaf(ca, LEAF, request, "h", 0.3) is not None
    return offline, certificate


def test_an_installed_certificate_and_its_csr_are_removed(used: tuple[Offline, Path]) -> None:
    offline, certificate = used
    offline.done()
    assert not list(certificate.parent.iterdir())


def test_a_newer_certificate_stays(used: tuple[Offline, Path]) -> None:
    offline, certificate = used
    newer = answer()
    certificate.write_bytes(newer)
    offline.done()
    assert certificate.read_bytes() == newer and certificate.with_suffix(".csr").is_file()


def test_a_newer_csr_stays(used: tuple[Offline, Path]) -> None:
    offline, certificate = used
    newer = issue.request_pem(LEAF, new_key(KeySpec("ecdsa", 256)))
    certificate.with_suffix(".csr").write_bytes(newer)
    offline.done()
    assert not certificate.exists() and certificate.with_suffix(".csr").read_bytes() == newer


def test_removal_holds_the_lock(used: tuple[Offline, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    offline, certificate = used
    seen = []

    @contextmanager
    def locked(_store: Store) -> Iterator[None]:
        seen.append(certificate.exists())
        yield
        seen.append(certificate.exists())

    monkeypatch.setattr(Store, "locked", locked)
    offline.done()
    assert seen == [True, False]
