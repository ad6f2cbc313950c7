# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subject alternative names, their kinds told apart as cfssl does."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*\.?")
# Without quotes, comments and addresses in brackets, which mail knows and the library cryptography does not take.
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+=?^_`{{|}}~-]+@{_LABEL}(\.{_LABEL})*\.?")


@dataclass(frozen=True)
class SubjectAltName:
    """A subject alternative name: kind is dns, email, ip or uri."""

    kind: str
    value: str

    def __str__(self) -> str:
        """Return it as kind:value; DNS names in small letters, so that two that mean the same are equal."""
        return f"{self.kind}:{self.value.lower() if self.kind == 'dns' else self.value}"


def classify(host: str, what: str) -> SubjectAltName:
    """Return the kind of name that host is, judged as cfssl does: address, then email, then URI, then DNS."""
    text = str(host).strip()
    with suppress(ValueError):
        address = ipaddress.ip_address(text)
        # A mapped address is the IPv4 one that it maps, as Go has it; one with a zone is no name for others.
        if "%" not in text:
            return SubjectAltName("ip", str(getattr(address, "ipv4_mapped", None) or address))
    try:
        text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise HardwayError(f"{what}: host {host!r} is not ASCII; write it in its xn-- form") from exc
    if _EMAIL.fullmatch(text):
        return SubjectAltName("email", text)
    if re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s]|urn:[^\s])", text):
        return SubjectAltName("uri", text)
    if not _DNS_NAME.fullmatch(text) or re.fullmatch(r"[\d.]+", text):
        raise HardwayError(
            f"{what}: host {host!r} is neither an address, a DNS name, a URI nor an email address; correct it"
        )
    return SubjectAltName("dns", text)
