# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA, a certificate of it, and the worker of pki_ca on a directory."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key

ECDSA = KeySpec("ecdsa", 256)


KEY = new_key(ECDSA)


SUBJECT = Subject.from_params("ca", [], "ca")


CA = issue.root(SUBJECT, KEY, timedelta(days=10))


LEAF = CertificateSpec.from_params(
    {"path": "/p/c", "ca": "ca", "profile": "client", "common_name": "c", "expiry": "24h"}
)


PARAMS = {"name": "ca", "common_name": "ca", "expiry": "240h"}


def expired() -> bytes:
    """Return a CA whose end lies between the backdated beginning and now."""
    return certificate_pem(issue.root(SUBJECT, KEY, timedelta(minutes=3)))


def leaf() -> bytes:
    """Return a certificate of KEY that is no CA."""
    return certificate_pem(issue.leaf(LEAF, KEY.public_key(), CA, KEY))


def ensure(directory: Path, **changes: t.Any) -> Reconciler:
    """Return the worker of pki_ca on a directory."""
    return Reconciler(
        Store(str(directory)), **{"passphrase": None, "renew": False, "renew_before": 0.3, "check": False, **changes}
    )


def snapshot(directory: Path) -> dict[str, bytes]:
    """Return all files with their content."""
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


GOOD = {"ca.crt": certificate_pem(CA), "ca.key": key_pem(KEY)}
