# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes certificates and CSRs as `cfssl certinfo` does, with their state of validity. No I/O."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import short
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import (
    facts_of,
    flat_name,
    sans_of,
    usages_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    key_spec,
    load_key,
    same_public_key,
)

# openssl's names for them.
_SIGNATURES = {
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "ED25519",
}
# YAML or JSON, one line per value, as every program that writes kubeconfigs does.
_ENTRY = re.compile(
    r"""^[\s{,-]*["']?(?P<entry>certificate-authority|client-certificate|client-key)(?P<data>-data)?["']?\s*:"""
    r"""\s*["']?(?P<value>[^\s"',}]+)""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Thresholds:
    """Days left below which a certificate is in state warning or critical."""

    warning: float
    critical: float

    def state(self, not_before: datetime, not_after: datetime, now: datetime) -> str:
        """Return ok, warning, critical, expired or future."""
        left = not_after - now
        if not_before > now:
            return "future"
        if left <= timedelta(0):
            return "expired"
        if left < timedelta(days=self.critical):
            return "critical"
        return "warning" if left < timedelta(days=self.warning) else "ok"


def described(certificate: Any, now: datetime, thresholds: Thresholds, *, pem: bool = False) -> dict[str, Any]:
    """Return a certificate as plain data."""
    facts = facts_of(certificate)
    constraints = extension_of(certificate, "BasicConstraints")
    own = extension_of(certificate, "SubjectKeyIdentifier")
    issuers = extension_of(certificate, "AuthorityKeyIdentifier")
    algorithm = certificate.signature_algorithm_oid.dotted_string
    return {
        "subject": list(facts.subject),
        "issuer": list(facts.issuer),
        "sans": list(facts.sans),
        "usages": facts.usages.words(),
        "is_ca": facts.is_ca,
        "max_path_len": constraints.path_length if constraints else None,
        "key": str(facts.key),
        "signature": _SIGNATURES.get(algorithm, algorithm),
        "serial": facts.serial,
        "fingerprint": facts.fingerprint,
        "subject_key_id": own.digest.hex() if own else "",
        "authority_key_id": issuers.key_identifier.hex() if issuers and issuers.key_identifier else "",
        "not_before": stamp(facts.not_before),
        "not_after": stamp(facts.not_after),
        "days_left": round((facts.not_after - now) / timedelta(days=1), 2),
        "state": thresholds.state(facts.not_before, facts.not_after, now),
        **({"pem": certificate_pem(certificate).decode()} if pem else {}),
    }


def described_request(request: Request, *, pem: bool = False) -> dict[str, Any]:
    """Return a CSR as plain data."""
    content = request.content
    constraints, algorithm = extension_of(content, "BasicConstraints"), content.signature_algorithm_oid.dotted_string
    return {
        "subject": list(flat_name(content.subject)),
        "sans": list(sans_of(content)),
        "usages": usages_of(content).words(),
        "is_ca": request.is_ca,
        "max_path_len": constraints.path_length if constraints else None,
        "key": str(key_spec(request.public_key())),
        "signature": _SIGNATURES.get(algorithm, algorithm),
        **({"pem": certificate_pem(content).decode()} if pem else {}),
    }


def is_kubeconfig(data: bytes) -> bool:
    """Return whether the text is a kubeconfig with certificates."""
    return b"BEGIN " not in data and _ENTRY.search(data.decode("utf-8", "replace")) is not None


def kubeconfig_entries(data: bytes, what: str) -> list[tuple[str, str | bytes]]:
    """Return the entries of a kubeconfig in order: name and either a path or the PEM text it embeds."""
    found: list[tuple[str, str | bytes]] = []
    for match in _ENTRY.finditer(data.decode("utf-8", "replace")):
        value: str | bytes = match["value"]
        name = match["entry"] + (match["data"] or "")
        if match["data"]:
            try:
                value = base64.b64decode(match["value"], validate=True)
            except binascii.Error as exc:
                raise HardwayError(f"{what}: {name} is not base64; write the file again") from exc
        found.append((name, value))
    return found


def key_belongs(certificate: Any, key: bytes | None) -> bool | None:
    """Return whether a private key belongs to the certificate; None without a readable one."""
    try:
        return None if key is None else same_public_key(certificate.public_key(), load_key(key, "").public_key())
    except HardwayError:
        return None


def validity_problem(where: str, item: Mapping[str, Any], now: datetime, critical: float) -> list[str]:
    """Return the problem with the validity period of a certificate, if any."""
    end = datetime.strptime(item["not_after"] + "+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    span = short(end - now)
    return {
        "expired": [f"{where}: expired {span} ago; renew it"],
        "critical": [f"{where}: has {span} left, less than {critical:g} days; renew it"],
        "future": [f"{where}: is not valid before {item['not_before']}; check this host's clock"],
    }.get(str(item["state"]), [])
