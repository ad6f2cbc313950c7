# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate revocation lists, as issued by `cfssl gencrl`, with the CRL number required by RFC 5280."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import fraction_left
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    load_certificate,
    readable,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import authority_identifier
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import signature_hash

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

REASONS = (
    "unspecified",
    "key_compromise",
    "ca_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "certificate_hold",
    "privilege_withdrawn",
)
# What 20 octets hold without a sign, in bits and in decimal digits.
_BITS, _DIGITS = 159, 48


@dataclass(frozen=True)
class Found:
    """The contents of a CRL: reasons and times by serial number, CRL number, validity, and whether the CA signed it."""

    revoked: Mapping[int, tuple[str, datetime]]
    number: int
    updated: datetime
    ends: datetime
    by_ca: bool

    def validity_left(self, now: datetime) -> float:
        """Return the fraction of the validity period that is left."""
        return fraction_left(self.updated, self.ends, now)


def wanted(entries: Sequence[Mapping[str, Any]], lines: str, store: Store, ca: Any) -> dict[int, str]:
    """Return the wanted reasons by serial number; lines are decimal numbers, as for cfssl gencrl."""
    found: dict[int, str] = {}
    for entry in entries:
        found[_serial(entry, store, ca)] = entry.get("reason") or "unspecified"
    for number, line in enumerate(lines.splitlines(), 1):
        if line.strip() and not re.fullmatch(r"[0-9]+", line.strip()):
            raise HardwayError(f"serials_file: line {number} {line.strip()!r} is not a decimal serial number; fix it")
        digits = line.strip().lstrip("0") or "0"
        if len(digits) > _DIGITS:
            raise HardwayError(
                f"serials_file: line {number} has more digits than any serial number, {_DIGITS}; remove it"
            )
        if line.strip():
            found.setdefault(int(digits), "unspecified")
    for serial in found:
        if not 0 < serial < 2**_BITS:
            raise HardwayError(f"revoked: serial number {serial:x} does not have 1 to {_BITS} bits; remove it")
    return found


def _serial(entry: Mapping[str, Any], store: Store, ca: Any) -> int:
    """Return the serial number of an entry, given as hexadecimal digits or a certificate file."""
    if bool(entry.get("serial")) == bool(entry.get("certificate")):
        raise HardwayError("revoked: set exactly one of `serial` and `certificate` in each entry")
    if entry.get("serial"):
        digits = str(entry["serial"]).replace(":", "")
        if not re.fullmatch(r"(0x)?[0-9A-Fa-f]+", digits):
            raise HardwayError(f"revoked: serial {entry['serial']!r} is not hexadecimal; take it from issued.jsonl")
        return int(digits, 16)
    path = str(entry["certificate"])
    data = store.read(path)
    if data is None:
        raise HardwayError(f"revoked: certificate {path} does not exist; give its serial number")
    certificate = load_certificate(data, path)
    if certificate.issuer != ca.subject:
        raise HardwayError(f"revoked: {path} was issued by another CA; revoke it there")
    return int(certificate.serial_number)


def load(data: bytes | None, ca: Any) -> Found | None:
    """Return the contents of a CRL; None if it is missing or damaged, because it can be reissued."""
    if data is None:
        return None
    with suppress(HardwayError), readable("damaged"):
        found = x509.load_pem_x509_crl(data)
        revoked = {
            item.serial_number: (
                _reason(item),
                _utc(getattr(item, "revocation_date_utc", None), item, "revocation_date"),
            )
            for item in found
        }
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        ends = _utc(getattr(found, "next_update_utc", None), found, "next_update")
        updated = _utc(getattr(found, "last_update_utc", None), found, "last_update")
        signed = found.issuer == ca.subject and found.is_signature_valid(ca.public_key())
        return Found(revoked, number, updated, ends, signed)
    return None


def differences(asked: Mapping[int, str], found: Found | None, now: datetime, renew_before: float) -> list[str]:
    """Return why the CRL must be issued."""
    if found is None:
        return ["list: does not exist yet"]
    reasons = [] if found.by_ca else ["issuer: not signed by the current CA"]
    for serial in sorted({*asked, *found.revoked}):
        reason = found.revoked.get(serial, (None,))[0]
        if reason != asked.get(serial):
            what = f"{asked[serial]} instead of {reason or 'valid'}" if serial in asked else "no longer revoked"
            reasons.append(f"revoked: {serial:x} {what}")
    if found.validity_left(now) < renew_before:
        reasons.append("expiry: expires soon")
    return reasons


def make(asked: Mapping[int, str], found: Found | None, ca: Any, key: Any, expiry: timedelta) -> bytes:
    """Issue a CRL as PEM; existing entries keep their time, and the CRL number increases."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    number = max(int(now.timestamp()), (found.number if found else 0) + 1)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(now)
        .next_update(now + expiry)
        .add_extension(authority_identifier(ca), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, reason in sorted(asked.items()):
        when = found.revoked[serial][1] if found and serial in found.revoked else now
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        if reason != "unspecified":
            entry = entry.add_extension(x509.CRLReason(getattr(x509.ReasonFlags, reason)), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, signature_hash(key)).public_bytes(serialization.Encoding.PEM)


def _reason(entry: Any) -> str:
    """Return the reason of an entry, named as in the options."""
    try:
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.name)
    except x509.ExtensionNotFound:
        return "unspecified"


def _utc(moment: datetime | None, item: Any, attribute: str) -> datetime:
    """Return a time with time zone; old releases of cryptography return it without."""
    return moment if moment is not None else getattr(item, attribute).replace(tzinfo=timezone.utc)
