# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs CSRs of other programs, as `cfssl sign` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import classify
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import (
    CertificateSpec,
    KeySpec,
    validity_period_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import (
    describe,
    describe_wanted,
    differences,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.profile import Profile
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    chain_of,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import CERTIFICATE_MODE, make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_spec, same_public_key


@dataclass(frozen=True)
class Sign:
    """Signs CSRs with the CAs of a store; with ``check`` it only predicts."""

    store: Store
    passphrase: str | None
    profiles: Mapping[str, Any]
    renew_before: float
    force: bool
    check: bool

    def certificate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Issue one certificate if needed; return its state, with its diff."""
        path = params["path"]
        request = Request.load(params["request"], self.store.read, path)
        spec = spec_of(params, request, self.profiles)
        ca = Issuer.load(self.store, spec.ca, self.passphrase)
        data = self.store.read(path)
        chain = self.store.chain(spec.ca) if spec.chain else b""
        certificate = None if data is None else load_certificate(data, path)
        reasons = self._reasons(spec, certificate, ca, request)
        if not reasons and chain_of(data or b"")[1:] != chain_of(chain):
            reasons.append("chain: is not that of the current CA")
        before = describe(facts_of(certificate)) if certificate is not None else {}
        if reasons and not self.check:
            make_directory(path)
            certificate = ca.sign(spec, request.public_key())
            self.store.record(certificate, ca=spec.ca, host="localhost", path=path)
            atomic_files.write(path, certificate_pem(certificate) + chain, mode=CERTIFICATE_MODE)
        elif reasons:
            ca.check_may_sign(spec)
        facts = None if certificate is None else facts_of(certificate)
        return {
            "path": path,
            "changed": bool(reasons),
            "reasons": reasons,
            "not_after": stamp(facts.not_after) if facts else "",
            "serial": facts.serial if facts else "",
            "fingerprint": facts.fingerprint if facts else "",
            "diff": {"before": before, "after": describe_wanted(spec) if reasons else before},
        }

    def _reasons(self, spec: CertificateSpec, found: Any, ca: Issuer, request: Request) -> list[str]:
        """Return why the certificate must be issued."""
        if found is None:
            return ["certificate: does not exist yet"]
        facts = facts_of(found, request, ca.certificate)
        reasons = differences(spec, facts, now=datetime.now(timezone.utc), renew_before=self.renew_before)
        if not same_public_key(found.public_key(), request.public_key()):
            reasons = ["key: is not that of the CSR"]
        return reasons or (["force: reissue requested"] if self.force else [])


def spec_of(params: Mapping[str, Any], request: Request, profiles: Mapping[str, Any]) -> CertificateSpec:
    """Return what to sign: the options of the task, with defaults from the CSR."""
    path, kind = params["path"], key_spec(request.public_key())
    key = KeySpec.from_params({"algo": kind.algo, "size": kind.size}, request.what)
    profile = Profile.from_params(params["profile"], profiles, key.algo, path)
    if request.is_ca and not profile.is_ca:
        raise HardwayError(f"{path}: the CSR requests a CA; choose a profile with ca_constraint is_ca")
    named = params.get("common_name") or params.get("names")
    subject = (
        Subject.from_params(params.get("common_name") or "", params.get("names"), path) if named else request.subject()
    )
    # As in cfssl, a CA has no SANs.
    sans = [] if profile.is_ca else (params.get("sans") or request.sans())
    names = tuple(dict.fromkeys(classify(san, path) for san in sans))
    if profile.needs_sans and not names:
        raise HardwayError(f"{path}: a server certificate needs SANs; set sans in the task, or request them in the CSR")
    expiry = validity_period_of(params, profile, "8760h", path)
    return CertificateSpec(path, params["ca"], subject, names, key, expiry, profile, chain=params["chain"])
