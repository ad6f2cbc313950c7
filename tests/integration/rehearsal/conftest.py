# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the API by stand-ins, and by the real programs where they are available; tests run against each."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from integration.api.kubernetes import RealKubernetes
from integration.api.programs import binary
from integration.rehearsal.kinds import directory, kinds


@pytest.fixture(scope="session", params=kinds())
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKubernetes]:
    """Start etcd, API and controller-manager of a kind."""
    place = directory(request.param)
    if binary("etcd", place) is None:
        pytest.skip("no etcd available, not even from Debian")
    made = RealKubernetes(tmp_path_factory.mktemp(request.param), place)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def expired(cluster: RealKubernetes, prefix: str) -> Path:
    """Write an administrator's certificate that has expired."""
    path = cluster.ca.issue(prefix, "admin", groups=["system:masters"])
    old = x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
    builder = builder.not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(
        now - datetime.timedelta(days=1)
    )
    made = builder.sign(cluster.ca.key, hashes.SHA256())
    path.with_suffix(".crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path
