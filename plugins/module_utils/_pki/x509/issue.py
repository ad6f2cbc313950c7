# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs and certificates, as created by `cfssl gencert`, `selfsign`, `sign` and `renewca`."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import BACKDATE, root_profile
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import (
    certificate_extensions,
    csr_extensions,
    name_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_spec, signature_hash

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization


def request_pem(spec: CertificateSpec, key: Any) -> bytes:
    """Return the CSR for spec; it contains everything, for other signers too."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(spec.subject))
    for extension, critical in csr_extensions(spec.profile, spec.sans):
        builder = builder.add_extension(extension, critical=critical)
    request = builder.sign(key, signature_hash(key))
    return request.public_bytes(serialization.Encoding.PEM)


def request_key(pem: bytes, spec: CertificateSpec) -> Any:
    """Return the public key of a CSR after verifying its signature."""
    key = Request.parse(pem, f"{spec.path}: the host's CSR", "run again").public_key()
    kind = key_spec(key)
    if kind != spec.key:
        raise HardwayError(f"{spec.path}: the host's CSR has a key {kind} instead of {spec.key}")
    return key


def start_of_validity(now: datetime | None = None, backdate: timedelta = BACKDATE) -> datetime:
    """Return the start of validity of a certificate issued now: as in cfssl, five minutes ago, on a full minute."""
    moment = (now or datetime.now(timezone.utc)) + timedelta(seconds=30)
    return moment.replace(second=0, microsecond=0) - backdate


def leaf(spec: CertificateSpec, public_key: Any, ca: Any, ca_key: Any) -> Any:
    """Issue a certificate with the fields of spec, not of the CSR."""
    return _builder(spec, public_key, ca).sign(ca_key, signature_hash(ca_key))


def self_signed(spec: CertificateSpec, key: Any) -> Any:
    """Issue a self-signed certificate; as in Go, without authority key identifier."""
    return _builder(spec, key.public_key(), None).sign(key, signature_hash(key))


def root(subject: Subject, key: Any, expiry: timedelta, path_length: int | None = None) -> Any:
    """Return a self-signed CA with kubeadm's extensions."""
    spec = key_spec(key)
    return self_signed(CertificateSpec("", "", subject, (), spec, expiry, root_profile(spec.algo, path_length)), key)


def again(certificate: Any, key: Any, expiry: timedelta) -> Any:
    """Renew a self-signed CA, with the same name, key and extensions."""
    name = certificate.subject
    builder = _dated(name, name, certificate.public_key(), start_of_validity(), expiry)
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, signature_hash(key))


def _builder(spec: CertificateSpec, public_key: Any, ca: Any) -> Any:
    """Return the builder of a certificate for spec, issued by a CA, or self-signed if ca is None."""
    name, start = name_of(spec.subject), start_of_validity(backdate=spec.profile.backdate)
    builder = _dated(name, name if ca is None else ca.subject, public_key, start, spec.expiry)
    for extension, critical in certificate_extensions(spec.profile, spec.sans, public_key, ca):
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _dated(name: Any, issuer: Any, public_key: Any, start: datetime, expiry: timedelta) -> Any:
    """Return the builder with the common fields, and a random serial number of 159 bits."""
    try:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + expiry)
        )
    except (ValueError, OverflowError) as exc:
        raise HardwayError(f"expiry of {expiry.days} days: {exc}; set a shorter expiry") from exc
