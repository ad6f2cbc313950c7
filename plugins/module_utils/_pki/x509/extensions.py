# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and extensions of certificates, as encoded by Go."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import SubjectAltName
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import OCSP_NO_CHECK, Profile
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import KEY_USAGES

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509
    from cryptography.x509.name import _ASN1Type
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

    _OIDS = {
        "C": NameOID.COUNTRY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": NameOID.LOCALITY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
        "CN": NameOID.COMMON_NAME,
        "SERIALNUMBER": NameOID.SERIAL_NUMBER,
        "E": NameOID.EMAIL_ADDRESS,
    }

# Characters of the ASN.1 string types for these fields: PrintableString, IA5String.
_USUAL = {"SERIALNUMBER": r"[A-Za-z0-9 '()+,./:=?-]+", "E": r"[\x00-\x7f]+"}
# Go writes SAN types in this order.
_SAN_ORDER = ("dns", "email", "ip", "uri")


def name_of(subject: Subject) -> Any:
    """Return a distinguished name; several values of one field share a set, as in Go."""
    try:
        return x509.Name(
            [
                x509.RelativeDistinguishedName([_attribute(part, value) for value in values])
                for part, values in subject.parts
            ]
        )
    except ValueError as exc:
        raise HardwayError(f"subject {', '.join(subject.flat())}: {exc}; correct the name") from exc


def _attribute(part: str, value: str) -> Any:
    """Return one field of a name, as UTF-8 if its ASN.1 string type cannot hold the value, as in Go."""
    usual = part not in _USUAL or re.fullmatch(_USUAL[part], value)
    return x509.NameAttribute(_OIDS[part], value, *([] if usual else [_ASN1Type.UTF8String]))


def sans_extension(sans: Sequence[SubjectAltName]) -> Any:
    """Return the SAN extension, in Go's order."""
    makers: dict[str, Any] = {
        "dns": x509.DNSName,
        "email": x509.RFC822Name,
        "ip": lambda value: x509.IPAddress(ipaddress.ip_address(value)),
        "uri": x509.UniformResourceIdentifier,
    }
    ordered = sorted(sans, key=lambda san: _SAN_ORDER.index(san.kind))
    return x509.SubjectAlternativeName([makers[san.kind](san.value) for san in ordered])


def key_usage(bits: frozenset[str]) -> Any:
    """Return the keyUsage extension."""
    names = dict.fromkeys(KEY_USAGES.values(), False)
    return x509.KeyUsage(**{**names, **dict.fromkeys(bits, True)})


def extension_of(content: Any, kind: str) -> Any:
    """Return the value of an extension of a certificate or CSR, by the library's name; None without it."""
    return _extensions_of(content).get(getattr(x509, kind).oid)


@lru_cache(maxsize=1024)
def _extensions_of(content: Any) -> dict[Any, Any]:
    """Return all extensions by type; cached, because those of a CA are used for each certificate it signs."""
    return {extension.oid: extension.value for extension in content.extensions}


def authority_identifier(ca: Any) -> Any:
    """Return the authority key identifier: the CA's own SKI, or a digest without one."""
    known = extension_of(ca, "SubjectKeyIdentifier")
    if known is None:
        known = x509.SubjectKeyIdentifier.from_public_key(ca.public_key())
    return x509.AuthorityKeyIdentifier(known.digest, None, None)


def csr_extensions(profile: Profile, sans: Sequence[SubjectAltName]) -> Iterator[tuple[Any, bool]]:
    """Yield the extensions of a CSR, each with its criticality: usages, SANs, and the CA flag."""
    yield from _usages(profile)
    if profile.is_ca:
        yield x509.BasicConstraints(ca=True, path_length=profile.path_length), True
    yield from _san_extension(sans)


def certificate_extensions(
    profile: Profile, sans: Sequence[SubjectAltName], key: Any, ca: Any
) -> Iterator[tuple[Any, bool]]:
    """Yield the extensions of a certificate in Go's order; ca is the issuer, None if self-signed."""
    yield from _usages(profile)
    yield x509.BasicConstraints(ca=profile.is_ca, path_length=profile.path_length), True
    yield x509.SubjectKeyIdentifier.from_public_key(key), False
    if ca is not None:
        yield authority_identifier(ca), False
    access = {"ocsp": AuthorityInformationAccessOID.OCSP, "issuer": AuthorityInformationAccessOID.CA_ISSUERS}
    entries = [x509.AccessDescription(access[kind], url) for kind in access for url in _urls(profile, kind)]
    if entries:
        yield x509.AuthorityInformationAccess(entries), False
    yield from _san_extension(sans)
    if _urls(profile, "crl"):
        yield x509.CRLDistributionPoints([x509.DistributionPoint(_urls(profile, "crl"), None, None, None)]), False
    if OCSP_NO_CHECK in profile.pointers:
        yield x509.OCSPNoCheck(), False


def _usages(profile: Profile) -> Iterator[tuple[Any, bool]]:
    """Yield keyUsage (critical) and extendedKeyUsage, each unless empty."""
    if profile.usages.key:
        yield key_usage(profile.usages.key), True
    if profile.usages.extended:
        yield x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in profile.usages.extended]), False


def _san_extension(sans: Sequence[SubjectAltName]) -> Iterator[tuple[Any, bool]]:
    """Yield the SANs. RFC 5280: critical only without subject; ours always have one."""
    if sans:
        yield sans_extension(sans), False


def _urls(profile: Profile, kind: str) -> list[Any]:
    """Return the URLs of one kind in a profile."""
    found = [pointer.partition(":") for pointer in profile.pointers if pointer != OCSP_NO_CHECK]
    return [x509.UniformResourceIdentifier(url) for sort, _colon, url in found if sort == kind]
