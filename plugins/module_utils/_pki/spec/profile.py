# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate profiles as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import path_length
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import CLIENT_AUTH, Usages, usages_of

# As in cfssl, certificates are backdated for clocks that are behind.
BACKDATE = timedelta(minutes=5)
# The entry of pointers() for the extension OCSPNoCheck.
OCSP_NO_CHECK = "ocsp:no check"


@dataclass(frozen=True)
class Profile:
    """Usages, validity period, CA constraints, and URLs of CRLs, OCSP responders and issuers."""

    usages: Usages
    expiry: timedelta | None = None
    backdate: timedelta = BACKDATE
    is_ca: bool = False
    path_length: int | None = None
    pointers: tuple[str, ...] = ()
    needs_sans: bool = False

    @classmethod
    def from_params(cls, name: str, profiles: Mapping[str, Any], algo: str, what: str) -> Profile:
        """Return the validated profile of that name: custom or built-in."""
        given = profiles.get(name) or {}
        ca = given.get("ca_constraint") or {}
        is_ca = bool(ca.get("is_ca"))
        length = path_length(ca.get("max_path_len") or 0, bool(ca.get("max_path_len_zero")))
        usages = usages_of(name, given.get("usages"), algo, what, ca=is_ca)
        ours = given.get("usages") is None
        return cls(
            usages,
            parse(given["expiry"], f"{what}: expiry of profile {name!r}") if given.get("expiry") else None,
            backdate_of(given.get("backdate"), f"{what}: backdate of profile {name!r}"),
            is_ca,
            length if is_ca else None,
            pointers(given, f"{what}: profile {name!r}"),
            # A profile for both servers and clients, common in guides, may issue client certificates without SANs.
            usages.serves and (ours or CLIENT_AUTH not in usages.extended),
        )


def backdate_of(text: str | None, what: str) -> timedelta:
    """Return the backdate of certificates; as in cfssl, zero means the default."""
    return (parse(text, what, zero=True) if text else None) or BACKDATE


def pointers(given: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """Return crl:URL, ocsp:URL, issuer:URL from cfssl's fields."""
    urls = [("crl", given.get("crl_url")), ("ocsp", given.get("ocsp_url"))]
    urls += [("issuer", url) for url in given.get("issuer_urls") or []]
    found = []
    for kind, url in urls:
        if url and (not str(url).isascii() or "://" not in str(url)):
            raise HardwayError(f"{what}: {url!r} is not a URL; write it as http://host/path")
        if url:
            found.append(f"{kind}:{url}")
    return (*found, OCSP_NO_CHECK) if given.get("ocsp_no_check") else tuple(found)


def root_profile(algo: str, path_length: int | None = None, usages: Usages | None = None) -> Profile:
    """Return the profile of a CA: kubeadm's usages and CRL signing, or the given usages."""
    bits = {"digital_signature", "key_cert_sign", "crl_sign", *(["key_encipherment"] if algo == "rsa" else [])}
    return Profile(usages or Usages(frozenset(bits), ()), is_ca=True, path_length=path_length)
