# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs of nodes that join a real API."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import sans

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


CLIENT_USAGES = ["digital signature", "client auth"]


CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"


def csr_pem(common_name: str, organization: str = "system:nodes", hosts: Sequence[str] = ()) -> str:
    """Return spec.request for a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans(hosts)), critical=False)
    return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)).decode()


def csr(name: str, pem: str, signer: str = CLIENT, usages: Sequence[str] = CLIENT_USAGES) -> dict[str, Any]:
    """Return a CertificateSigningRequest."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": pem, "signerName": signer, "usages": list(usages)},
    }


def post(kubernetes: RealKubernetes, token: str, body: dict[str, Any]) -> None:
    """Create a CSR as the bearer of the token."""
    answer = request(
        kubernetes.url + CSRS,
        method="POST",
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        tls=Tls(ca=str(kubernetes.ca.ca)),
        token=token,
    )
    assert answer.status == 201, answer.body
