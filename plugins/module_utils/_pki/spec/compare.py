# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a certificate with its specification. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import short
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import Usages

# Certificates are issued on full minutes, so smaller differences are rounding errors.
_SAME_VALIDITY = timedelta(minutes=1)


@dataclass(frozen=True)
class Facts:
    """The facts of a certificate and its key, without secrets."""

    subject: tuple[str, ...]
    sans: tuple[str, ...]
    usages: Usages
    key: KeySpec
    not_before: datetime
    not_after: datetime
    issuer: tuple[str, ...]
    serial: str
    fingerprint: str
    is_ca: bool = False
    # None if the CA is unknown, as in check mode before it exists.
    by_ca: bool | None = True
    key_matches: bool = True
    pointers: tuple[str, ...] = ()
    path_length: int | None = None

    @property
    def validity(self) -> timedelta:
        """Return the validity period."""
        return self.not_after - self.not_before

    def validity_left(self, now: datetime) -> float:
        """Return the fraction of the validity period that is left: 1 if new, 0 or less if expired."""
        return fraction_left(self.not_before, self.not_after, now)


def fraction_left(begin: datetime, end: datetime, now: datetime) -> float:
    """Return the fraction of a validity period that is left; 0 or less if it has ended."""
    return (end - now) / (end - begin) if end > begin else 0.0


def differences(spec: CertificateSpec, found: Facts, *, now: datetime, renew_before: float) -> list[str]:
    """Return why the certificate must be reissued, one reason per entry; empty if it matches."""
    reasons = []
    if not found.key_matches:
        reasons.append("key: does not belong to the certificate")
    if found.by_ca is False:
        reasons.append(f"issuer: not signed by the current CA {spec.ca}")
    elif found.by_ca is None:
        reasons.append(f"issuer: CA {spec.ca} does not exist yet")
    if found.is_ca != spec.profile.is_ca:
        reasons.append(f"usages: it is {'a' if found.is_ca else 'not a'} CA")
    if found.path_length != spec.profile.path_length:
        reasons.append(f"path length: {found.path_length} instead of {spec.profile.path_length}")
    if found.key != spec.key:
        reasons.append(f"key: {found.key} instead of {spec.key}")
    reasons += _set_difference("subject", spec.subject.flat(), found.subject)
    reasons += _set_difference("sans", [str(san) for san in spec.sans], found.sans)
    reasons += _set_difference("usages", spec.usages.words(), found.usages.words())
    reasons += _set_difference("pointers", spec.profile.pointers, found.pointers)
    return reasons + _validity(spec, found, now, renew_before)


def rejection_reasons(found: Facts, ca: str, now: datetime, renew_before: float = 0.0) -> list[str]:
    """Return why clients of the CA reject a certificate of another program, or will do so soon."""
    reasons = []
    if found.by_ca is False:
        reasons.append(f"issuer: not signed by the current CA {ca}")
    return reasons + _ending(found, now, renew_before)


def required_fraction(path: str, params: Mapping[str, Any]) -> float:
    """Return the fraction of its validity period a certificate must have left; 0 if excluded by renew_only."""
    only = params["renew_only"]
    return float(params["renew_before"]) if not only or is_named(path, only) else 0.0


def is_named(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a shell pattern matches the path or its last part."""
    return any(fnmatchcase(name, pattern) for name in (path, path.rpartition("/")[2]) for pattern in patterns)


def _set_difference(what: str, wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return a reason that lists missing and extra items, regardless of order."""
    missing = [item for item in wanted if item not in found]
    surplus = [item for item in found if item not in wanted]
    parts = []
    if missing:
        parts.append("without " + ", ".join(missing))
    if surplus:
        parts.append("has " + ", ".join(surplus) + " too much")
    return [f"{what}: " + "; ".join(parts)] if parts else []


def _validity(spec: CertificateSpec, found: Facts, now: datetime, renew_before: float) -> list[str]:
    """Return the differences in the validity period."""
    if found.not_after <= now:
        return _ending(found, now, renew_before)
    if found.not_before > now:
        return [f"expiry: not valid before {stamp(found.not_before)}; is this host's clock right?"]
    if abs(found.validity - spec.expiry) > _SAME_VALIDITY:
        return [f"expiry: issued for {short(found.validity)} instead of {short(spec.expiry)}"]
    return _ending(found, now, renew_before)


def _ending(found: Facts, now: datetime, renew_before: float) -> list[str]:
    """Return whether it has expired, or expires soon."""
    if found.not_after <= now:
        return [f"expiry: expired {short(now - found.not_after)} ago"]
    if found.validity_left(now) < renew_before:
        return [f"expiry: {short(found.not_after - now)} left, less than {renew_before:.0%} of its validity period"]
    return []


def moment_of(text: str) -> datetime:
    """Parse a time written by stamp."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def describe(found: Facts | None) -> dict[str, Any]:
    """Return an existing certificate for a diff; empty if it does not exist."""
    if found is None:
        return {}
    return {
        "subject": list(found.subject),
        "sans": sorted(found.sans),
        "usages": found.usages.words(),
        "key": str(found.key),
        "validity": short(found.validity),
        "not_after": stamp(found.not_after),
        "fingerprint": found.fingerprint,
    }


def describe_wanted(spec: CertificateSpec) -> dict[str, Any]:
    """Return a certificate to be issued for a diff."""
    return {
        "subject": list(spec.subject.flat()),
        "sans": sorted(str(san) for san in spec.sans),
        "usages": spec.usages.words(),
        "key": str(spec.key),
        "validity": short(spec.expiry),
        "not_after": "(when issued)",
        "fingerprint": "(when issued)",
    }
