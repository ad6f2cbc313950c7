# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offline CAs: writes CSRs, and installs the certificates once they are signed.

DIRECTORY/requests/CA/HOST/NAME.csr is the request; the certificate belongs beside it as NAME.crt.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer, check_ca
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import differences
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of, issued_by
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import same_public_key


class Offline:
    """The CSRs of one run: those that wait for a signature, and those whose certificate is used."""

    def __init__(self, store: Store, *, check_only: bool = False) -> None:
        """Take the store without reading it. With ``check_only``, signed certificates are only validated."""
        self.store = store
        self.check_only = check_only
        self.written: list[str] = []
        self.waiting: dict[str, list[str]] = {}
        self.used: dict[str, tuple[bytes, bytes]] = {}

    def stem(self, ca: str, host: str, path: str) -> str:
        """Return the path of CSR and certificate for a file on a host, without suffix."""
        parts = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in (ca, host, path)]
        return os.path.join(self.store.directory, "requests", *parts)

    def sign_all(
        self,
        cas: Mapping[str, Issuer],
        specs: Mapping[str, CertificateSpec],
        requests: Mapping[str, str],
        host: str,
        renew_before: float,
    ) -> dict[str, bytes]:
        """Return the certificates by index, issued here or by an offline CA; raise when some CSRs wait."""
        certificates = {}
        for index, request in requests.items():
            spec = specs[index]
            ca = cas[spec.ca]
            if ca.key is None:
                certificates[index] = self.leaf(ca, spec, request.encode(), host, renew_before)
            else:
                certificates[index] = ca.sign(spec, issue.request_key(request.encode(), spec))
        # Nothing is recorded before it is known that the host gets all of it.
        self.stop()
        for index, certificate in certificates.items():
            self.store.record(certificate, ca=specs[index].ca, host=host, path=specs[index].path)
        return {index: certificate_pem(certificate) for index, certificate in certificates.items()}

    def leaf(self, ca: Issuer, spec: CertificateSpec, request: bytes, host: str, left: float) -> Any:
        """Return the certificate for a host's CSR; None while it waits for a signature."""

        def validate(certificate: Any) -> list[str]:
            facts = facts_of(certificate, Request.load(request.decode(), self.store.read, spec.path), ca.certificate)
            return differences(spec, facts, now=datetime.now(timezone.utc), renew_before=left)

        issue.request_key(request, spec)
        ca.check_may_sign(spec)
        return self._answer(ca, self.stem(ca.name, host, spec.path), request, validate)

    def ca(self, issuer: Issuer, name: str, spec: CertificateSpec, key: Any) -> Any:
        """Return the certificate of a CA that an offline CA issues; None while its CSR waits."""
        stem = self.stem(issuer.name, "cas", name)

        def validate(certificate: Any) -> list[str]:
            check_ca(certificate, f"{stem}.crt")
            return [] if issued_by(certificate, issuer.certificate) else [f"issuer: not signed by {issuer.name}"]

        return self._answer(issuer, stem, issue.request_pem(spec, key), validate)

    def _answer(self, ca: Issuer, stem: str, request: bytes, validate: Callable[[Any], list[str]]) -> Any:
        """Return the certificate next to a CSR if it matches; else write the CSR."""
        asked, data = Request.load(request.decode(), self.store.read, stem), self.store.read(f"{stem}.crt")
        written = self.store.read(f"{stem}.csr")
        if written is None or not asked.same(written):
            self.store.write(f"{stem}.csr", request, 0o644)
            self.written.append(f"{stem}.csr")
            written = request
        if data is None:
            self.waiting.setdefault(ca.name, []).append(f"{stem}.csr")
            return None
        certificate = load_certificate(data, f"{stem}.crt")
        if not same_public_key(certificate.public_key(), asked.public_key()):
            raise HardwayError(
                f"{stem}.crt: has another key than {stem}.csr; sign that CSR and put the certificate there"
            )
        reasons = validate(certificate)
        if reasons:
            raise HardwayError(f"{stem}.crt: does not match the options ({'; '.join(reasons)}); sign {stem}.csr again")
        if not self.check_only:
            self.used[stem] = (data, written)
        return certificate

    def stop(self) -> None:
        """Raise when CSRs wait, with the list of all."""
        if self.waiting:
            asked = "; ".join(f"{name}: {', '.join(paths)}" for name, paths in self.waiting.items())
            raise HardwayError(
                f"the key of the CA is offline: sign there, for {asked};"
                " put each certificate next to its CSR as .crt and run again"
            )

    def done(self) -> None:
        """Remove CSRs whose certificates are installed, unless they were changed since."""
        if not self.used:
            return
        with self.store.locked():
            for stem, contents in self.used.items():
                for path, data in zip((f"{stem}.crt", f"{stem}.csr"), contents):
                    if self.store.read(path) != data:
                        break
                    os.unlink(path)
