# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of signing: an approved CSR is signed only where it fits the purpose of its signer."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.api.joining import CSRS
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.requests import admin, until

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow, pytest.mark.long]
CLIENT, SERVING, ANY = "kube-apiserver-client-kubelet", "kubelet-serving", "kube-apiserver-client"
CLIENT_USAGES, SERVING_USAGES = (
    f"usages did not match [{listed}]"
    for listed in ("client auth digital signature key encipherment", "digital signature key encipherment server auth")
)
NODE, HOST = "system:node:n1", [x509.DNSName("n1")]


def signing_request(name: str, groups: list[str], names: list[x509.GeneralName]) -> str:
    """Return a CSR as the API accepts it."""
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([*subject, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.mark.parametrize(
    ("signer", "name", "groups", "names", "usage", "problem"),
    [
        (CLIENT, NODE, ["system:nodes"], [], "client auth", ""),
        (CLIENT, NODE, ["system:masters"], [], "client auth", "subject organization is not system:nodes"),
        (
            CLIENT,
            NODE,
            ["system:nodes", "system:masters"],
            [],
            "client auth",
            "subject organization is not system:nodes",
        ),
        (CLIENT, "admin", ["system:nodes"], [], "client auth", "subject common name does not begin with system:node:"),
        (CLIENT, NODE, ["system:nodes"], HOST, "client auth", "DNS subjectAltNames are not allowed"),
        (CLIENT, NODE, ["system:nodes"], [], "server auth", CLIENT_USAGES),
        (SERVING, NODE, ["system:nodes"], HOST, "server auth", ""),
        (SERVING, NODE, ["system:nodes"], [], "server auth", "DNS or IP subjectAltName is required"),
        (SERVING, NODE, ["system:nodes"], HOST, "client auth", SERVING_USAGES),
        (
            SERVING,
            NODE,
            ["system:nodes"],
            [*HOST, x509.RFC822Name("a@b.c")],
            "server auth",
            "Email subjectAltNames are not allowed",
        ),
        (ANY, "person", [], [], "client auth", ""),
        (ANY, "person", [], [], "server auth", "invalid usage for client certificate: server auth"),
    ],
)
def test_a_signer_signs_only_for_its_purpose(
    cluster: RealKubernetes, signer: str, name: str, groups: list[str], names: Any, usage: str, problem: str
) -> None:
    spec = {
        "request": signing_request(name, groups, names),
        "signerName": f"kubernetes.io/{signer}",
        "usages": ["digital signature", usage],
    }
    made = admin(cluster, CSRS, "POST", {"metadata": {"generateName": "signer-"}, "spec": spec}).json()
    path = f"{CSRS}/{made['metadata']['name']}"
    made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "Test", "message": "test"}]}
    assert admin(cluster, f"{path}/approval", "PUT", made).status == 200

    def failure() -> list[dict[str, Any]]:
        conditions = admin(cluster, path).json()["status"].get("conditions") or []
        return [condition for condition in conditions if condition["type"] == "Failed"]

    def certificate() -> str:
        return str(admin(cluster, path).json()["status"].get("certificate") or "")

    assert until(lambda: bool(failure() or certificate()))
    if problem:
        assert not certificate()
        (condition,) = failure()
        assert (condition["reason"], condition["status"]) == ("SignerValidationFailure", "True")
        assert condition["message"] == problem
    else:
        assert certificate() and not failure()
