# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs on the controller: check them, sign with them."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
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
    """A checked CA; without a key it can be trusted but cannot sign."""

    name: str
    store: Store
    certificate: Any
    key: Any = None
    key_encrypted: bool = False

    @classmethod
    def load(
        cls, store: Store, name: str, passphrase: str | None = None, *, with_key: bool = True, expired: bool = False
    ) -> Issuer:
        """Return a CA of the store that is fit to sign, or raise what is wrong with it.

        Without its key where that is not needed. An expired one is returned only to those who ask for it, to renew it.
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
        """Return the last moment of the CA."""
        return validity(self.certificate)[1]

    @property
    def is_renewable(self) -> bool:
        """True for a root whose key is here; only a root can be renewed by its own key."""
        return self.key is not None and self.certificate.issuer == self.certificate.subject

    def life_left(self) -> float:
        """Return the part of the life that is left."""
        return facts_of(self.certificate).life_left(datetime.now(timezone.utc))

    def plain_key(self) -> bytes:
        """Return the key as plain PEM, for a host where something must sign."""
        return key_pem(self.signing_key())

    def sign(self, spec: CertificateSpec, request: bytes, host: str) -> bytes:
        """Return the certificate for a host's request, after writing it into the record."""
        self.signing_key()
        return self.sign_key(spec, issue.request_key(request, spec), host)

    def sign_key(self, spec: CertificateSpec, public_key: Any, host: str) -> bytes:
        """Return the certificate for a public key whose sender has the private half, and record it."""
        key = self.signing_key()
        self.check_may_sign(spec)
        certificate = issue.leaf(spec, public_key, self.certificate, key)
        self.store.record(certificate, ca=self.name, host=host, path=spec.path)
        return certificate_pem(certificate)

    def check_may_sign(self, spec: CertificateSpec) -> None:
        """Raise when what is asked would outlive this CA or is beyond what it may sign."""
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
        """Return the key, or raise when it is kept elsewhere."""
        if self.key is None:
            raise HardwayError(
                f"CA {self.name}: its key {self.store.key(self.name)} is not available; restore it to sign"
            )
        return self.key


def complete(store: Store, name: str, passphrase: str | None, *, check: bool = False) -> bool:
    """Finish a rotation that was cut off between the new signer's certificate and its key; True when there was one."""
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
    """Put the key that waits in the place of the old one, so that a power cut does not take it back."""
    path = store.key(name)
    os.replace(store.key(f"{name}.next"), path)
    atomic_files.sync_directory(os.path.dirname(path))


def _key_of(store: Store, name: str, certificate: Any, passphrase: str | None) -> tuple[Any, bytes, str] | None:
    """Return the key of a CA, its text and where it is; None where it is kept elsewhere.

    A rotation that was cut off while signing changed hands has left it where it waited.
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
    """Return until when a CA lives, where one is named and there."""
    path = store.certificate(name) if name else ""
    data = store.read(path) if path else None
    return None if data is None else validity(load_certificate(data, path))[1]


def known_certificates(store: Store, name: str) -> list[Any]:
    """Return a CA's certificates: those of now first, then those it had before rotations."""
    retired = os.path.join(glob.escape(os.path.join(store.directory, "retired")), f"{name}-*.crt")
    found = []
    for path in (store.certificate(name), *sorted(glob.glob(retired))):
        data = store.read(path) or b""
        with suppress(HardwayError):  # what is damaged is no CA at all
            found += certificates_in(data, path)
    return found


def check_ca(certificate: Any, path: str, *, expired: bool = False) -> None:
    """Raise when a certificate may not sign others, or not now; an expired one may be let through."""
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
