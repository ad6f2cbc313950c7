# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usages of certificates, named as in cfssl, and the built-in profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# cfssl's name -> attribute of cryptography's KeyUsage.
KEY_USAGES = {
    "digital signature": "digital_signature",
    "signing": "digital_signature",
    "content commitment": "content_commitment",
    "content committment": "content_commitment",
    "key encipherment": "key_encipherment",
    "data encipherment": "data_encipherment",
    "key agreement": "key_agreement",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}

# cfssl's name -> OID in extendedKeyUsage.
EXTENDED_USAGES = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}

_PURPOSES = {
    "server": ("server auth",),
    "client": ("client auth",),
    "peer": ("server auth", "client auth"),
}
SERVER_AUTH = EXTENDED_USAGES["server auth"]
CLIENT_AUTH = EXTENDED_USAGES["client auth"]


@dataclass(frozen=True)
class Usages:
    """Bits of keyUsage and purposes (OIDs) of extendedKeyUsage."""

    key: frozenset[str]
    extended: tuple[str, ...]

    @property
    def serves(self) -> bool:
        """Return whether this is a server certificate."""
        return SERVER_AUTH in self.extended

    def words(self) -> list[str]:
        """Return cfssl's names of these usages, in the order of the tables above."""
        bits = {bit: word for word, bit in reversed(KEY_USAGES.items())}
        purposes = {oid: word for word, oid in reversed(EXTENDED_USAGES.items())}
        known = [word for bit, word in bits.items() if bit in self.key]
        return sorted(known) + [purposes.get(oid, oid) for oid in sorted(self.extended)]


def usages_of(profile: str, words: Sequence[str] | None, algo: str, what: str, *, ca: bool = False) -> Usages:
    """Return the usages of a profile: those of the user, else the built-in ones.

    Ours leave out key encipherment where the key cannot encipher (RFC 5480 forbids it for elliptic curves).
    """
    if words is None:
        if profile not in _PURPOSES:
            known = ", ".join(_PURPOSES)
            raise HardwayError(f"{what}: profile {profile!r} is unknown; use {known} or define it in profiles")
        words = ["digital signature", *(["key encipherment"] if algo == "rsa" else []), *_PURPOSES[profile]]
    usages = usages_in(words, f"{what}: profile {profile!r}")
    signs = "key_cert_sign" in usages.key
    if signs and not ca:
        raise HardwayError(
            f"{what}: profile {profile!r} may sign certificates but has no ca_constraint is_ca;"
            " remove cert sign, CAs are created with pki_ca"
        )
    if ca and not signs:
        raise HardwayError(f"{what}: profile {profile!r} is of a CA but may not sign; add the usage cert sign")
    return usages


def usages_in(words: Sequence[str], what: str) -> Usages:
    """Return the usages for a list of cfssl's names; ``what`` names the list in errors."""
    bits: set[str] = set()
    purposes: list[str] = []
    if isinstance(words, str) or not words:
        raise HardwayError(f"{what}: usages must be a list; use cfssl's names, for example [signing, client auth]")
    for word in words:
        lowered = str(word).strip().lower()
        if lowered in KEY_USAGES:
            bits.add(KEY_USAGES[lowered])
        elif lowered in EXTENDED_USAGES:
            purposes.append(EXTENDED_USAGES[lowered])
        else:
            raise HardwayError(f"{what}: usage {word!r} is unknown; use cfssl's names")
    if bits & {"encipher_only", "decipher_only"} and "key_agreement" not in bits:
        raise HardwayError(
            f"{what}: usages encipher only and decipher only have no effect without key agreement; add it"
        )
    return Usages(frozenset(bits), tuple(dict.fromkeys(purposes)))
