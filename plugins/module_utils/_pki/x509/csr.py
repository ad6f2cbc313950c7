# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs, validated and parsed into plain data."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import readable
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import flat_name, sans_of

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509

_PEM_REQUEST = re.compile(
    rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----.*?-----END (NEW )?CERTIFICATE REQUEST-----", re.DOTALL
)


@dataclass(frozen=True)
class Request:
    """A CSR whose signature proves that its sender has the private key."""

    content: Any
    what: str

    @classmethod
    def load(cls, value: str, read: Callable[[str], bytes | None], what: str) -> Request:
        """Return the validated CSR of a file or a PEM text."""
        if "-----BEGIN" in value:
            what, data = f"{what}: request", value.encode()
        else:
            path = os.path.abspath(os.path.expanduser(value))
            found = read(path)
            if found is None:
                raise HardwayError(f"{what}: CSR {path} does not exist; set the path of a PEM file or PEM text")
            what, data = f"{what}: request {path}", found
        return cls.parse(data, what)

    @classmethod
    def parse(cls, data: bytes, what: str, remedy: str = "create it again") -> Request:
        """Return the validated CSR of a PEM text; ``what`` names it in errors."""
        with readable(f"{what}: is not a PEM CSR or is damaged; {remedy}"):
            request = x509.load_pem_x509_csr(data)
            valid = request.is_signature_valid
            list(request.extensions)
            # The library parses the name and the key only on access.
            flat_name(request.subject)
            request.public_key()
        if not valid:
            raise HardwayError(f"{what}: is not signed by its own key; {remedy}")
        return cls(request, what)

    def same(self, other: bytes) -> bool:
        """Return whether another CSR, as PEM, has the same content and key; the signature may differ."""
        try:
            found = x509.load_pem_x509_csr(other)
            return bool(found.tbs_certrequest_bytes == self.content.tbs_certrequest_bytes)
        except ValueError:
            return False

    def public_key(self) -> Any:
        """Return the public key."""
        return self.content.public_key()

    def subject(self) -> Subject:
        """Return the subject."""
        common_name, names = "", []
        for part, _equals, value in (entry.partition("=") for entry in flat_name(self.content.subject)):
            if part == "CN":
                common_name = value
            else:
                names.append({part: value})
        return Subject.from_params(common_name, names, self.what)

    def sans(self) -> list[str]:
        """Return the SANs."""
        names = [name.partition(":") for name in sans_of(self.content)]
        for kind, _colon, value in names:
            if kind not in ("dns", "email", "ip", "uri"):
                raise HardwayError(f"{self.what}: its SAN {value} is of an unsupported type")
        return [value for _kind, _colon, value in names]

    @property
    def is_ca(self) -> bool:
        """Return whether the CSR requests a CA."""
        constraints = extension_of(self.content, "BasicConstraints")
        return bool(constraints and constraints.ca)


def requests_in(data: bytes, what: str) -> list[Request]:
    """Return all CSRs of a PEM text; a damaged one is an error with ``what``."""
    return [Request.parse(found.group(0), what) for found in _PEM_REQUEST.finditer(data)]
