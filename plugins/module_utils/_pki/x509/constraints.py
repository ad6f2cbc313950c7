# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the constraints of a CA: path length, purposes and names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import SubjectAltName
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import EXTENDED_USAGES, Usages
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of

_ANY = EXTENDED_USAGES["any"]


def violation(spec: CertificateSpec, ca: Any) -> str:
    """Return why clients would reject the certificate because of the CA's constraints; empty if valid."""
    return _depth(spec, ca) or _purposes(spec, ca) or san_violation(spec.sans, ca)


def _depth(spec: CertificateSpec, ca: Any) -> str:
    """Return why the CA may not sign this CA."""
    limit = extension_of(ca, "BasicConstraints").path_length
    if not spec.profile.is_ca or limit is None:
        return ""
    if limit == 0:
        return "its path length of 0 allows no CA below it"
    length = spec.profile.path_length
    if length is not None and length >= limit:
        return f"a path length of {length} must be less than its own, {limit}"
    return ""


def _purposes(spec: CertificateSpec, ca: Any) -> str:
    """Return the purposes that the CA may not sign for, because all certificates of a chain must allow them."""
    found = extension_of(ca, "ExtendedKeyUsage")
    allowed = {oid.dotted_string for oid in found or []}
    if not allowed or _ANY in allowed:
        return ""
    surplus = [oid for oid in spec.usages.extended if oid not in allowed]
    return f"it is not for {', '.join(Usages(frozenset(), tuple(surplus)).words())}" if surplus else ""


def san_violation(sans: Iterable[SubjectAltName], ca: Any) -> str:
    """Return which name violates the name constraints of the CA; empty if none does."""
    found = extension_of(ca, "NameConstraints")
    for san in sans if found else ():
        permitted = [name for name in found.permitted_subtrees or [] if _kind(name) == san.kind]
        excluded = [name for name in found.excluded_subtrees or [] if _kind(name) == san.kind]
        if (permitted and not any(_within(san, name) for name in permitted)) or any(
            _within(san, name) for name in excluded
        ):
            return f"{san} is outside of its name constraints"
    return ""


def _kind(name: Any) -> str:
    """Return the SAN type of a constraint."""
    return {"DNSName": "dns", "IPAddress": "ip"}.get(type(name).__name__, "")


def _within(san: SubjectAltName, constraint: Any) -> bool:
    """Return whether a SAN is in a domain or network."""
    if san.kind == "ip":
        return ipaddress.ip_address(san.value) in constraint.value
    domain = constraint.value.lower().lstrip(".")
    name = san.value.lower().rstrip(".")
    return not domain or name == domain or name.endswith(f".{domain}")
