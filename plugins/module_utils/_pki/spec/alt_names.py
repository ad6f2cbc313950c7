# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subject alternative names (SANs), with types recognized as in cfssl."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*\.?")
# Without quotes, comments and addresses in brackets, which cryptography does not support.
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+=?^_`{{|}}~-]+@{_LABEL}(\.{_LABEL})*\.?")


@dataclass(frozen=True)
class SubjectAltName:
    """A subject alternative name (SAN); kind is dns, email, ip or uri."""

    kind: str
    value: str

    def __str__(self) -> str:
        """Return it as kind:value, with DNS names in lower case for comparison."""
        return f"{self.kind}:{self.value.lower() if self.kind == 'dns' else self.value}"


def classify(san: str, what: str) -> SubjectAltName:
    """Return the SAN of a text, with its type recognized as in cfssl: address, email, URI, else DNS."""
    text = str(san).strip()
    with suppress(ValueError):
        address = ipaddress.ip_address(text)
        # As in Go, an IPv4-mapped address becomes IPv4. An address with a zone is only valid locally.
        if "%" not in text:
            return SubjectAltName("ip", str(getattr(address, "ipv4_mapped", None) or address))
    try:
        text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise HardwayError(f"{what}: SAN {san!r} is not ASCII; write it in its xn-- form") from exc
    if _EMAIL.fullmatch(text):
        return SubjectAltName("email", text)
    if re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s]|urn:[^\s])", text):
        return SubjectAltName("uri", text)
    if not _DNS_NAME.fullmatch(text) or re.fullmatch(r"[\d.]+", text):
        raise HardwayError(
            f"{what}: SAN {san!r} is neither an address, a DNS name, a URI nor an email address; correct it"
        )
    return SubjectAltName("dns", text)
