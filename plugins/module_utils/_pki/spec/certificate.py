# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a certificate as plain data, with cfssl's fields: profile, names, SANs, key, expiry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse, short
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import SubjectAltName, classify
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import (
    completed,
    document,
    profile_fields,
    profiles_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import Profile
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import Usages

# The earliest time in X.509.
_EARLIEST = datetime(1950, 1, 2, tzinfo=timezone.utc)
_SIZES = {"ecdsa": (256, 384, 521), "rsa": (2048, 3072, 4096, 6144, 8192), "ed25519": (0,)}


@dataclass(frozen=True)
class KeySpec:
    """Type and size of a key: ecdsa 256/384/521, rsa 2048 and up, ed25519."""

    algo: str
    size: int

    @classmethod
    def from_params(cls, params: Mapping[str, Any] | None, what: str) -> KeySpec:
        """Return the validated specification of a key; ``what`` names its owner in errors."""
        given = params or {}
        algo = given.get("algo") or "ecdsa"
        if algo not in _SIZES:
            raise HardwayError(f"{what}: key algorithm {algo!r} is unknown; use one of {', '.join(_SIZES)}")
        size = given.get("size") or _SIZES[algo][0]
        if algo == "ed25519":
            size = 0
        if size not in _SIZES[algo]:
            sizes = ", ".join(str(known) for known in _SIZES[algo])
            raise HardwayError(f"{what}: key size {size} does not go with {algo}; use one of {sizes}")
        return cls(algo, size)

    def __str__(self) -> str:
        """Return it for display: ecdsa 256."""
        return f"{self.algo} {self.size}" if self.size else self.algo


@dataclass(frozen=True)
class CertificateSpec:
    """The specification of one certificate."""

    path: str
    ca: str
    subject: Subject
    sans: tuple[SubjectAltName, ...]
    key: KeySpec
    expiry: timedelta
    profile: Profile
    owner: str | None = None
    group: str | None = None
    chain: bool = False

    @property
    def usages(self) -> Usages:
        """Return the usages of the profile."""
        return self.profile.usages

    @classmethod
    def from_params(cls, params: Mapping[str, Any], profiles: Mapping[str, Any] | None = None) -> CertificateSpec:
        """Return the validated specification of a certificate."""
        path = params["path"]
        # As in cfssl, URLs come from the profile; a csr's crl_url is for roots.
        asked = completed(params, path, ("crl_url",))
        if asked.get("is_ca"):
            raise HardwayError(f"{path}: its csr requests a CA (ca); create CAs with pki_ca")
        key = KeySpec.from_params(asked.get("key"), path)
        profile = Profile.from_params(asked.get("profile") or "default", profiles or {}, key.algo, path)
        if profile.is_ca:
            raise HardwayError(f"{path}: profile {asked['profile']!r} is for CAs (is_ca); create CAs with pki_ca")
        sans = tuple(dict.fromkeys(classify(san, path) for san in asked.get("sans") or []))
        if profile.needs_sans and not sans:
            raise HardwayError(f"{path}: a server certificate needs SANs; set sans to its names and addresses")
        subject = Subject.from_params(asked.get("common_name") or "", asked.get("names"), path)
        expiry = validity_period_of(asked, profile, "8760h", path)
        owner, group, chain = asked.get("owner"), asked.get("group"), bool(asked.get("chain"))
        return cls(path, issuer_of(asked, path), subject, sans, key, expiry, profile, owner, group, chain)


def issuer_of(asked: Mapping[str, Any], what: str) -> str:
    """Return the name of the issuing CA, empty if self-signed."""
    ca, self_signed = asked.get("ca") or "", bool(asked.get("self_signed"))
    if bool(ca) == self_signed:
        raise HardwayError(f"{what}: set exactly one of `ca` and `self_signed`")
    return str(ca)


def validity_period_of(asked: Mapping[str, Any], profile: Profile, otherwise: str, what: str) -> timedelta:
    """Return the validity period of a certificate: from its options, else from the profile."""
    given = asked.get("expiry")
    expiry = parse(given, f"{what}: expiry") if given else profile.expiry or parse(otherwise)
    if profile.backdate > datetime.now(timezone.utc) - _EARLIEST:
        raise HardwayError(f"{what}: it would be valid from before 1950; set a shorter backdate")
    if expiry <= profile.backdate:
        minutes = short(profile.backdate).replace("5m", "five minutes")
        raise HardwayError(
            f"{what}: expiry must exceed the {minutes} by which certificates are backdated; set a longer one"
        )
    return expiry


def specs_of(params: Mapping[str, Any]) -> list[CertificateSpec]:
    """Return the validated specifications of a task; two with the same path are an error."""
    profiles = all_profiles(params)
    specs = [CertificateSpec.from_params(item, profiles) for item in params.get("certificates") or []]
    seen: set[str] = set()
    for spec in specs:
        if spec.path in seen:
            raise HardwayError(f"{spec.path}: two certificates have this path; set a different path for each")
        seen.add(spec.path)
    return specs


def all_profiles(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profiles of a task: those of its ca-config.json, overridden by its own."""
    config = params.get("config")
    found = profiles_of(document(config, "config")) if config not in (None, "") else {}
    own = (params.get("profiles") or {}).items()
    return {**found, **{str(name): profile_fields(value, f"profiles: {name}") for name, value in own}}
