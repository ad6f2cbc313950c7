# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of CAs to rotate, and helpers to inspect it; for the tests of rotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key, same_public_key

CA = {"name": "etcd-ca", "common_name": "etcd-ca"}
BELOW = {"name": "kubelet-ca", "signed_by": "etcd-ca", "usages": ["client auth"], "path_length": 0}
SA = {"name": "sa"}


def ensure(directory: Path, *, check: bool = False) -> Reconciler:
    """Return the worker on a directory."""
    return Reconciler(Store(str(directory)), "secret", False, 0.3, check)


def step(directory: Path, name: str, *, check: bool = False, more: Sequence[Mapping[str, object]] = ()) -> list[bool]:
    """Run a step of both rotations and more, immediately after the last one; return what changed."""
    rotation = Rotation(ensure(directory, check=check), min_age=timedelta(0))
    return [report["changed"] for report in rotation.advance(name, [CA, *more], [SA])]


def content(directory: Path) -> dict[str, bytes]:
    """Return all files except the issue log."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "issued.jsonl")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def signer_fits(directory: Path, stem: str = "etcd/ca") -> bool:
    """Return whether the first certificate belongs to the key."""
    certificate = load_certificate((directory / f"{stem}.crt").read_bytes(), stem)
    key = load_key((directory / f"{stem}.key").read_bytes(), stem, "secret")
    return same_public_key(certificate.public_key(), key.public_key())


def made(directory: Path) -> Path:
    """Return a directory with a CA, its key encrypted, and a key pair."""
    ensure(directory).ca(CA)
    ensure(directory).key_pair(SA)
    return directory
