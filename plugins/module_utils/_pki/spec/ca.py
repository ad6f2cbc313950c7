# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a CA as plain data, from options, a csr and a profile of cfssl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import (
    CertificateSpec,
    KeySpec,
    validity_period_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import completed
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import (
    Profile,
    backdate_of,
    pointers,
    root_profile,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import Usages, usages_in

# Suboptions of pki_ca.
KEY_OPTIONS: dict[str, Any] = {
    "algo": {"type": "str", "choices": ["ecdsa", "rsa", "ed25519"], "default": "ecdsa"},
    "size": {"type": "int"},
}
CA_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "common_name": {"type": "str"},
    "names": {"type": "list", "elements": "dict", "default": []},
    "csr": {"type": "raw"},
    "signed_by": {"type": "str"},
    "split_from": {"type": "str"},
    "profile": {"type": "str"},
    "usages": {"type": "list", "elements": "str", "default": []},
    "path_length": {"type": "int"},
    "key": {"type": "dict", "options": KEY_OPTIONS, "no_log": False},
    "expiry": {"type": "str"},
    "import_certificate": {"type": "path"},
    "import_key": {"type": "path", "no_log": False},
    "import_passphrase": {"type": "str", "no_log": True},
}
KEY_PAIR_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "key": {"type": "dict", "options": KEY_OPTIONS, "default": {}, "no_log": False},
}
SECRET_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "bytes": {"type": "int", "default": 32},
    "encoding": {"type": "str", "choices": ["base64", "base64url"], "default": "base64"},
}
# Ten years; five for a CA with an issuer, but not longer than the issuer is valid.
_VALIDITY, _VALIDITY_BELOW = "87600h", "43800h"
_OF_PROFILES = ("expiry", "backdate", "path_length", "crl_url")


def ca_spec(
    params: Mapping[str, Any], profiles: Mapping[str, Any], issuer_ends: datetime | None = None
) -> CertificateSpec:
    """Return the validated specification of a CA, self-signed unless it has an issuer."""
    name = params["name"]
    what = f"CA {name}"
    # As in cfssl, the profile overrides these fields of the csr.
    asked = completed(params, what, _OF_PROFILES if params.get("signed_by") and params.get("profile") else ())
    subject = Subject.from_params(asked.get("common_name") or _fallback(asked, name), asked.get("names"), what)
    key = KeySpec.from_params(asked.get("key"), what)
    profile = _profile(asked, profiles, key, what)
    issuer = asked.get("signed_by") or name
    expiry = validity_period_of(asked, profile, _VALIDITY if issuer == name else _below(issuer_ends), what)
    return CertificateSpec(what, issuer, subject, (), key, expiry, profile)


def _below(issuer_ends: datetime | None) -> str:
    """Return the default validity period of a CA with an issuer."""
    if issuer_ends is None or issuer_ends - datetime.now(timezone.utc) > parse(_VALIDITY_BELOW):
        return _VALIDITY_BELOW
    left = (issuer_ends - datetime.now(timezone.utc)) // timedelta(minutes=1)
    # If the issuer has nearly expired, the error is reported when it signs.
    return f"{left}m" if left > 10 else _VALIDITY_BELOW


def _fallback(asked: Mapping[str, Any], name: str) -> str:
    """Return the default common name of a CA: its name, unless its csr has a subject without one."""
    return "" if asked.get("csr") and asked.get("names") else name


def _profile(asked: Mapping[str, Any], profiles: Mapping[str, Any], key: KeySpec, what: str) -> Profile:
    """Return the profile of a CA: one from the ca-config.json, else the built-in one with the options."""
    if asked.get("profile"):
        profile = Profile.from_params(asked["profile"], profiles, key.algo, what)
        if not profile.is_ca:
            raise HardwayError(f"{what}: profile {asked['profile']!r} is for leaves; set is_ca in its ca_constraint")
    else:
        profile = root_profile(key.algo)
    if asked.get("usages"):
        given = usages_in(asked["usages"], what)
        profile = replace(profile, usages=Usages(given.key or profile.usages.key, given.extended))
        if "key_cert_sign" not in profile.usages.key:
            raise HardwayError(f"{what}: may not sign certificates by its usages; add cert sign")
    length = asked.get("path_length")
    if length is not None and length < 0:
        raise HardwayError(f"{what}: path_length {length} must not be negative; leave it out for no limit")
    lists = pointers({"crl_url": asked.get("crl_url")}, what)
    others = tuple(item for item in profile.pointers if not (lists and item.startswith("crl:")))
    return replace(
        profile,
        path_length=profile.path_length if length is None else length,
        backdate=backdate_of(asked["backdate"], f"{what}: backdate") if asked.get("backdate") else profile.backdate,
        pointers=lists + others,
    )
