# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates into plain data."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import Facts
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import OCSP_NO_CHECK
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import KEY_USAGES, Usages
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    fingerprint,
    signed_by,
    validity,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import (
    authority_identifier,
    extension_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_spec, same_public_key

_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "E",
}
_ACCESS = {"1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "issuer"}


def facts_of(certificate: Any, key: Any = None, ca: Any = None) -> Facts:
    """Return the facts of a certificate; key: its private key, ca: the expected issuer."""
    return replace(
        _facts(certificate),
        by_ca=None if ca is None else issued_by(certificate, ca),
        key_matches=key is not None and same_public_key(certificate.public_key(), key.public_key()),
    )


@lru_cache(maxsize=1024)
def _facts(certificate: Any) -> Facts:
    """Return the facts of a certificate alone; cached, because record and task use them."""
    not_before, not_after = validity(certificate)
    constraints = extension_of(certificate, "BasicConstraints")
    return Facts(
        subject=flat_name(certificate.subject),
        sans=sans_of(certificate),
        usages=usages_of(certificate),
        key=key_spec(certificate.public_key()),
        not_before=not_before,
        not_after=not_after,
        issuer=flat_name(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        fingerprint=fingerprint(certificate),
        is_ca=bool(constraints and constraints.ca),
        pointers=_pointers(certificate),
        path_length=constraints.path_length if constraints else None,
    )


def issued_by(certificate: Any, ca: Any) -> bool:
    """Return whether the CA signed the certificate, and its authority key identifier is that of the CA."""
    pointer = extension_of(certificate, "AuthorityKeyIdentifier")
    if pointer is None or pointer.key_identifier != authority_identifier(ca).key_identifier:
        return False
    return signed_by(certificate, ca)


def flat_name(name: Any) -> tuple[str, ...]:
    """Return the fields of a distinguished name as sorted field=value."""
    oids = [(attribute.oid.dotted_string, attribute.value) for attribute in name]
    return tuple(sorted(f"{_SHORT.get(oid, oid)}={value}" for oid, value in oids))


def sans_of(certificate: Any) -> tuple[str, ...]:
    """Return the SANs as type:value, in the format of SubjectAltName."""
    kinds = {"DNSName": "dns", "RFC822Name": "email", "IPAddress": "ip", "UniformResourceIdentifier": "uri"}
    names = []
    for name in extension_of(certificate, "SubjectAlternativeName") or []:
        kind = kinds.get(type(name).__name__, type(name).__name__)
        names.append(f"{kind}:{name.value.lower() if kind == 'dns' else name.value}")
    return tuple(names)


def usages_of(certificate: Any) -> Usages:
    """Return key usages and extended usages; the two that need key agreement are absent without it."""
    bits, found = set(), extension_of(certificate, "KeyUsage")
    for bit in set(KEY_USAGES.values()) if found else ():
        if bit in ("encipher_only", "decipher_only") and not found.key_agreement:
            continue
        if getattr(found, bit):
            bits.add(bit)
    purposes = [oid.dotted_string for oid in extension_of(certificate, "ExtendedKeyUsage") or []]
    return Usages(frozenset(bits), tuple(purposes))


def _pointers(certificate: Any) -> tuple[str, ...]:
    """Return the URLs of CRLs, OCSP responders and issuers, in the format of a profile."""
    points = extension_of(certificate, "CRLDistributionPoints") or []
    found = [f"crl:{name.value}" for point in points for name in point.full_name or []]
    for entry in extension_of(certificate, "AuthorityInformationAccess") or []:
        kind = _ACCESS.get(entry.access_method.dotted_string, entry.access_method.dotted_string)
        found.append(f"{kind}:{entry.access_location.value}")
    return (*found, OCSP_NO_CHECK) if extension_of(certificate, "OCSPNoCheck") else tuple(found)
