# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs on the controller: validation and signing."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificates_in,
    load_certificate,
    validity,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.constraints import violation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    is_encrypted,
    key_pem,
    load_key,
    same_public_key,
)


@dataclass
class Issuer:
    """A validated CA; without a key it cannot sign."""

    name: str
    store: Store
    certificate: Any
    key: Any = None
    key_encrypted: bool = False

    @classmethod
    def load(
        cls, store: Store, name: str, passphrase: str | None = None, *, with_key: bool = True, expired: bool = False
    ) -> Issuer:
        """Return a valid CA of the store, or raise.

        The key is optional. With ``expired``, an expired CA is returned too, for its renewal.
        """
        path = store.certificate(name)
        data = store.read(path)
        if data is None:
            raise HardwayError(f"CA {name}: {path} does not exist; create it with role ca")
        certificate = load_certificate(data, path)
        check_ca(certificate, path, expired=expired)
        ca = cls(name, store, certificate)
        found = _key_of(store, name, certificate, passphrase) if with_key else None
        if found is not None:
            ca.key, ca.key_encrypted = found[0], is_encrypted(found[1])
        return ca

    @property
    def not_after(self) -> datetime:
        """Return the end of the CA's validity period."""
        return validity(self.certificate)[1]

    @property
    def is_renewable(self) -> bool:
        """Return whether this is a root CA with its key, which can renew itself."""
        return self.key is not None and self.certificate.issuer == self.certificate.subject

    def validity_left(self) -> float:
        """Return the fraction of the validity period that is left."""
        return facts_of(self.certificate).validity_left(datetime.now(timezone.utc))

    def plain_key(self) -> bytes:
        """Return the key as unencrypted PEM, for a host that must sign."""
        return key_pem(self.signing_key())

    def sign(self, spec: CertificateSpec, public_key: Any) -> Any:
        """Return a new certificate for a public key; the caller records it."""
        key = self.signing_key()
        self.check_may_sign(spec)
        return issue.leaf(spec, public_key, self.certificate, key)

    def check_may_sign(self, spec: CertificateSpec) -> None:
        """Raise when the certificate would be valid longer than this CA, or violate its constraints."""
        last = issue.start_of_validity(backdate=spec.profile.backdate) + spec.expiry
        if last > self.not_after:
            raise HardwayError(
                f"{spec.path}: it would be valid until {stamp(last)}, longer than its CA {self.name}"
                f" ({stamp(self.not_after)}); set a shorter expiry or renew the CA"
            )
        reason = violation(spec, self.certificate)
        if reason:
            raise HardwayError(f"{spec.path}: CA {self.name} may not sign it: {reason}; choose another CA")

    def check_may_revoke(self) -> None:
        """Raise when the CA may not sign revocation lists."""
        usage = extension_of(self.certificate, "KeyUsage")
        if usage and not usage.crl_sign:
            path = self.store.certificate(self.name)
            raise HardwayError(f"{path}: may not sign revocation lists (cRLSign is missing); renew it with crl sign")

    def signing_key(self) -> Any:
        """Return the key, or raise when it is offline."""
        if self.key is None:
            raise HardwayError(
                f"CA {self.name}: its key {self.store.key(self.name)} is not available; restore it to sign"
            )
        return self.key


def complete(store: Store, name: str, passphrase: str | None, *, check: bool = False) -> bool:
    """Complete a rotation that was interrupted between certificate and key; return whether there was one."""
    path, waiting = store.certificate(name), store.key(f"{name}.next")
    data = store.read(path)
    if data is None or store.read(waiting) is None:
        return False
    found = _key_of(store, name, load_certificate(data, path), passphrase)
    if found is None or found[2] != waiting:
        return False
    if not check:
        install_key(store, name)
    return True


def install_key(store: Store, name: str) -> None:
    """Replace the old key by the next one, and sync it to disk."""
    path = store.key(name)
    os.replace(store.key(f"{name}.next"), path)
    atomic_files.sync_directory(os.path.dirname(path))


def _key_of(store: Store, name: str, certificate: Any, passphrase: str | None) -> tuple[Any, bytes, str] | None:
    """Return the key of a CA, its text and its path; None if it is offline.

    After an interrupted rotation the key may still be at NAME.next.key.
    """
    in_place = store.key(name)
    for path in (in_place, store.key(f"{name}.next")):
        pem = store.read(path)
        key = None if pem is None else load_key(pem, path, passphrase)
        if key is not None and pem is not None and same_public_key(certificate.public_key(), key.public_key()):
            return key, pem, path
    if store.read(in_place) is not None:
        raise HardwayError(f"{in_place}: does not belong to {store.certificate(name)}; restore the pair from a backup")
    return None


def end_of(store: Store, name: str | None) -> datetime | None:
    """Return the end of a CA's validity period; None without a CA."""
    path = store.certificate(name) if name else ""
    data = store.read(path) if path else None
    return None if data is None else validity(load_certificate(data, path))[1]


def known_certificates(store: Store, name: str) -> list[Any]:
    """Return a CA's certificates: the current ones first, then those replaced by rotations."""
    retired = os.path.join(glob.escape(os.path.join(store.directory, "retired")), f"{name}-*.crt")
    found = []
    for path in (store.certificate(name), *sorted(glob.glob(retired))):
        data = store.read(path) or b""
        with suppress(HardwayError):  # ignore damaged files
            found += certificates_in(data, path)
    return found


def check_ca(certificate: Any, path: str, *, expired: bool = False) -> None:
    """Raise when a certificate is not a valid CA; with ``expired``, an expired one is accepted."""
    now = datetime.now(timezone.utc)
    not_before, not_after = validity(certificate)
    constraints, usage = extension_of(certificate, "BasicConstraints"), extension_of(certificate, "KeyUsage")
    if not (constraints and constraints.ca):
        raise HardwayError(f"{path}: is not a CA (CA:TRUE is missing); move it away or restore the right one")
    if usage and not usage.key_cert_sign:
        raise HardwayError(f"{path}: may not sign certificates (keyCertSign is missing); restore the right one")
    if not_after <= now and not expired:
        raise HardwayError(
            f"{path}: expired at {stamp(not_after)}; renew it where its key is, with role ca (pki_ca with renew),"
            " or replace it by another CA"
        )
    if not_before > now:
        raise HardwayError(f"{path}: is not valid before {stamp(not_before)}; check this machine's clock")
