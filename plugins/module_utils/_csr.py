# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, signing requests and the certificates made of them; what `cfssl gencert` and `cfssl sign` do."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import (
    BACKDATE,
    CertificateSpec,
    Host,
    Subject,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_usage import KEY_USAGES, Usages
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import key_spec, signature_hash

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import NameOID

    _OIDS = {
        "C": NameOID.COUNTRY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": NameOID.LOCALITY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
        "CN": NameOID.COMMON_NAME,
        "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    }

# Go writes the kinds of alternative names in this order.
_HOST_ORDER = ("dns", "email", "ip", "uri")


def name_of(subject: Subject) -> Any:
    """Return a distinguished name; several values of one part share a set, as Go writes them."""
    try:
        return x509.Name(
            [
                x509.RelativeDistinguishedName([x509.NameAttribute(_OIDS[part], value) for value in values])
                for part, values in subject.parts
            ]
        )
    except ValueError as exc:
        raise HardwayError(f"subject {', '.join(subject.flat())}: {exc}; correct the name") from exc


def alternative_names(hosts: Sequence[Host]) -> Any:
    """Return the extension with these names, kinds in Go's order."""
    makers: dict[str, Any] = {
        "dns": x509.DNSName,
        "email": x509.RFC822Name,
        "ip": lambda value: x509.IPAddress(ipaddress.ip_address(value)),
        "uri": x509.UniformResourceIdentifier,
    }
    ordered = sorted(hosts, key=lambda host: _HOST_ORDER.index(host.kind))
    return x509.SubjectAlternativeName([makers[host.kind](host.value) for host in ordered])


def key_usage(bits: frozenset[str]) -> Any:
    """Return the extension with these bits."""
    names = dict.fromkeys(KEY_USAGES.values(), False)
    return x509.KeyUsage(**{**names, **dict.fromkeys(bits, True)})


def request_pem(spec: CertificateSpec, key: Any) -> bytes:
    """Return the signing request for spec; it says all that is asked, for signers that are not ours too."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(spec.subject))
    if spec.hosts:
        builder = builder.add_extension(alternative_names(spec.hosts), critical=False)
    request = builder.sign(key, signature_hash(key))
    return request.public_bytes(serialization.Encoding.PEM)


def request_key(pem: bytes, spec: CertificateSpec) -> Any:
    """Return the public key of a request whose signature proves that the sender has the private half."""
    try:
        request = x509.load_pem_x509_csr(pem)
        valid = request.is_signature_valid
    except ValueError as exc:
        raise HardwayError(f"{spec.path}: the host's signing request is damaged; run again") from exc
    if not valid:
        raise HardwayError(f"{spec.path}: the host's signing request is not signed by its own key; run again")
    key = request.public_key()
    if key_spec(key) != spec.key:
        raise HardwayError(f"{spec.path}: the host's request is for a key {key_spec(key)}, asked was {spec.key}")
    return key


def start_of_validity(now: datetime | None = None) -> datetime:
    """Return the moment from which a certificate made now is valid: cfssl's, five minutes ago, on a full minute."""
    moment = (now or datetime.now(timezone.utc)) + timedelta(seconds=30)
    return moment.replace(second=0, microsecond=0) - BACKDATE


def leaf(spec: CertificateSpec, public_key: Any, authority: Any, authority_key: Any) -> Any:
    """Return the signed certificate: what spec asks for, never what the request says."""
    start = start_of_validity()
    builder = (
        _builder(name_of(spec.subject), authority.subject, public_key, start, spec.expiry)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority_identifier(authority), critical=False)
    )
    builder = _with_usages(builder, spec.usages)
    if spec.hosts:
        # RFC 5280: a certificate without a subject must have them critical; ours always has a subject.
        builder = builder.add_extension(alternative_names(spec.hosts), critical=False)
    return builder.sign(authority_key, signature_hash(authority_key))


def root(subject: Subject, key: Any, expiry: timedelta, path_length: int | None = None) -> Any:
    """Return a self-signed authority with kubeadm's extensions, able to sign revocation lists too."""
    name, public_key = name_of(subject), key.public_key()
    bits = {"digital_signature", "key_cert_sign", "crl_sign"}
    if key_spec(key).algo == "rsa":
        bits.add("key_encipherment")
    return (
        _builder(name, name, public_key, start_of_validity(), expiry)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(frozenset(bits)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, signature_hash(key))
    )


def again(certificate: Any, key: Any, expiry: timedelta) -> Any:
    """Return a self-signed authority like certificate, same name, key and extensions, with a new life."""
    builder = _builder(certificate.subject, certificate.subject, key.public_key(), start_of_validity(), expiry)
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, signature_hash(key))


def authority_identifier(authority: Any) -> Any:
    """Return the identifier of an authority's key: its own SKI, or the digest where it has none."""
    try:
        known = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        known = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    return x509.AuthorityKeyIdentifier(known.digest, None, None)


def _builder(name: Any, issuer: Any, public_key: Any, start: datetime, expiry: timedelta) -> Any:
    """Return a certificate with the parts that all have, and a random serial number of 159 bits."""
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
        raise HardwayError(f"expiry of {expiry.days} days: {exc}; ask for a shorter life") from exc


def _with_usages(builder: Any, usages: Usages) -> Any:
    """Return builder with keyUsage (critical) and extendedKeyUsage, each only when it says something."""
    if usages.key:
        builder = builder.add_extension(key_usage(usages.key), critical=True)
    if usages.extended:
        purposes = [x509.ObjectIdentifier(oid) for oid in usages.extended]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder
