# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the CSRs for offline CAs, so that those of a whole cluster can be signed together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline import Offline
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import usages_of


def offline_certificates(store: Store, certificates: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the certificates of offline CAs."""
    return [item for item in certificates if item.get("ca") and store.read(store.key(str(item["ca"]))) is None]


def signed(store: Store, certificates: Iterable[Mapping[str, Any]], host: str) -> list[str]:
    """Return the paths of certificates that an offline CA has signed and that are not installed yet."""
    offline = Offline(store)
    found = []
    for item in offline_certificates(store, certificates):
        stem = offline.stem(str(item["ca"]), host, str(item.get("path")))
        if os.path.exists(f"{stem}.crt") and os.path.exists(f"{stem}.csr"):
            found.append(str(item["path"]))
    return found


def write_csrs(
    store: Store, specs: Mapping[str, CertificateSpec], requests: Mapping[str, str], host: str, renew_before: float
) -> tuple[list[dict[str, Any]], bool]:
    """Write a host's CSRs; return those that wait for a signature, and whether one is new.

    An existing certificate is validated, but not installed.
    """
    offline = Offline(store, check_only=True)
    with store.locked():
        for index, request in requests.items():
            ca = Issuer.load(store, specs[index].ca, with_key=False)
            offline.leaf(ca, specs[index], request.encode(), host, renew_before)
    return waiting(offline), bool(offline.written)


def waiting(offline: Offline) -> list[dict[str, Any]]:
    """Return the CSRs that wait for a signature, with path, CA and usages."""
    return [
        {
            "path": path,
            "ca": name,
            "usages": usages_of(Request.load(path, offline.store.read, path).content).words(),
        }
        for name, paths in offline.waiting.items()
        for path in paths
    ]


def predicted(store: Store, specs: Iterable[CertificateSpec], host: str) -> list[dict[str, Any]]:
    """Return the predicted result for the CSRs of these certificates."""
    offline = Offline(store)
    return [
        {
            "path": f"{offline.stem(spec.ca, host, spec.path)}.csr",
            "ca": spec.ca,
            "usages": spec.usages.words(),
        }
        for spec in specs
    ]
