# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy on CSRs of nodes, one false claim at a time."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.csr_policy import (
    CLIENT,
    SERVING,
    Claims,
    Decision,
    claims_of,
    decide,
    one_key_each,
    problems_of,
    shown,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_digest

NODES = {"n1": ["192.0.2.1", "n1.example.org", "2001:db8::1"], "n2": ["192.0.2.2"]}
TRUE = Claims(common_names=("system:node:n1",), organizations=("system:nodes",))
SERVER = Claims(
    common_names=("system:node:n1",), organizations=("system:nodes",), dns=("n1",), addresses=("192.0.2.1",)
)


def csr(signer: str = CLIENT, **spec: Any) -> dict[str, Any]:
    """Return a CSR by a bootstrapper, for a serving certificate by the node itself."""
    base: dict[str, Any] = {
        "signerName": signer,
        "username": "system:bootstrap:abcdef",
        "groups": ["system:bootstrappers", "system:authenticated"],
        "usages": ["digital signature", "client auth"],
    }
    if signer == SERVING:
        base.update(username="system:node:n1", groups=["system:nodes"], usages=["digital signature", "server auth"])
    return {"metadata": {"name": "csr"}, "spec": {**base, **spec}}


@pytest.mark.parametrize(
    "request_, claims",
    [
        (csr(), TRUE),
        (csr(usages=["key encipherment", "digital signature", "client auth"]), TRUE),
        (csr(username="system:node:n1", groups=["system:nodes"]), TRUE),
        (csr(SERVING), SERVER),
        (
            csr(SERVING),
            Claims(TRUE.common_names, TRUE.organizations, dns=("N1.example.org",), addresses=("2001:db8:0::1",)),
        ),
        (csr(SERVING, usages=["digital signature", "key encipherment", "server auth"]), SERVER),
    ],
)
def test_valid_csrs_are_approved(request_: dict[str, Any], claims: Claims) -> None:
    decision = decide(request_, NODES, claims=claims)
    assert (decision.verdict, decision.node) == ("approve", "n1"), decision.reason


def claims_with(**changes: Any) -> Claims:
    return Claims(**{"common_names": ("system:node:n1",), "organizations": ("system:nodes",), **changes})


@pytest.mark.parametrize(
    "request_, claims, reason",
    [
        (csr(), claims_with(common_names=("kubernetes-admin",)), "common name"),
        (csr(), claims_with(common_names=("system:node:",)), "common name"),
        (csr(), claims_with(common_names=("system:node:n1", "admin")), "common name"),
        (csr(), claims_with(common_names=()), "common name"),
        (csr(), claims_with(organizations=("system:masters",)), "organization"),
        (csr(), claims_with(organizations=("system:nodes", "system:masters")), "organization"),
        (csr(), claims_with(organizations=()), "organization"),
        (csr(), claims_with(other_attributes=1), "attributes"),
        (csr(), claims_with(dns=("kubernetes",)), "must not have SANs"),
        (csr(), claims_with(addresses=("10.96.0.1",)), "must not have SANs"),
        (csr(), claims_with(other_names=1), "must not have SANs"),
        (csr(usages=["digital signature", "client auth", "server auth"]), TRUE, "usages"),
        (csr(usages=["client auth"]), TRUE, "usages"),
        (csr(usages=[]), TRUE, "usages are none"),
        (csr(), Claims(errors=("it is not a PEM CSR or is damaged",)), "is damaged"),
        (csr(username="system:node:n2", groups=["system:nodes"]), TRUE, "requests the identity"),
        (csr(SERVING, username="system:bootstrap:abcdef", groups=["system:bootstrappers"]), SERVER, "only the node"),
        (csr(SERVING, username="system:node:n2"), SERVER, "requests the identity"),
        (csr(SERVING), TRUE, "neither a DNS name nor an address"),
        (csr(SERVING), claims_with(addresses=("192.0.2.2",)), "192.0.2.2 is not a name or address of node n1"),
        (csr(SERVING), claims_with(dns=("kubernetes.default",)), "kubernetes.default is not a name"),
        (csr(SERVING), claims_with(dns=("n1",), other_names=1), "neither DNS names nor addresses"),
    ],
)
def test_false_claims_are_denied(request_: dict[str, Any], claims: Claims, reason: str) -> None:
    decision = decide(request_, NODES, claims=claims)
    assert decision.verdict == "deny" and reason in decision.reason, decision


@pytest.mark.parametrize(
    "request_, claims, reason",
    [
        (csr(signerName="kubernetes.io/kube-apiserver-client"), TRUE, "not ours"),
        (csr(username="alice", groups=["system:authenticated"]), claims_with(common_names=("admin",)), "neither"),
        (csr(groups=["system:authenticated"]), TRUE, "neither"),
        (csr(username="system:bootstrap:abcdef:x"), TRUE, "neither"),
        (csr(), claims_with(common_names=("system:node:stranger",)), "not expected"),
    ],
)
def test_csrs_for_other_signers_are_ignored(request_: dict[str, Any], claims: Claims, reason: str) -> None:
    decision = decide(request_, NODES, claims=claims)
    assert decision.verdict == "leave" and reason in decision.reason, decision


def test_signers_are_chosen() -> None:
    assert decide(csr(SERVING), NODES, [CLIENT], SERVER).verdict == "leave"


@pytest.mark.parametrize("raw", ["", "no base64!", base64.b64encode(b"not a request").decode()])
def test_unreadable_requests_have_errors(raw: str) -> None:
    assert claims_of(raw).errors


def test_claims_are_read() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, "system:node:n1"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AQ"),
        ]
    )
    alternative = x509.SubjectAlternativeName([x509.DNSName("n1"), x509.RFC822Name("n1@example.org")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(alternative, critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    pem = request.public_bytes(serialization.Encoding.PEM)
    found = claims_of(base64.b64encode(pem).decode())
    assert found == Claims(
        ("system:node:n1",), ("system:nodes",), 1, ("n1",), (), 1, key=key_digest(request.public_key())
    )
    # One bit of the signature flipped: the key did not sign this.
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    body = base64.encodebytes(bytes(der)).decode()
    forged = f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n"
    assert claims_of(base64.b64encode(forged.encode()).decode()).errors


@pytest.mark.parametrize(
    ("key", "changes", "verdict", "reason"),
    [
        ("own", {}, "approve", "matches"),
        ("other", {}, "deny", "not the one on node n1"),
        ("other", {"username": "system:node:n1", "groups": ["system:nodes"]}, "leave", "a renewal by the node itself"),
        ("own", {"username": "system:bootstrap:zzzzzz"}, "deny", "not among the expected requesters"),
    ],
)
def test_only_the_key_of_the_host_is_approved(key: str, changes: dict[str, Any], verdict: str, reason: str) -> None:
    limits = {"keys": {"n1": "own"}, "requesters": ["system:bootstrap:abcdef"]}
    decision = decide(csr(**changes), NODES, claims=claims_with(key=key), **limits)
    assert decision.verdict == verdict and reason in decision.reason, decision


def test_one_key_for_one_node() -> None:
    def yes(node: str, key: str) -> Decision:
        return Decision("approve", node, "matches", key)

    no = Decision("deny", "n3", "lies")
    asked = {"a": yes("n1", "1"), "b": yes("n1", "2"), "c": yes("n2", "3"), "d": yes("n2", "3"), "e": no}
    verdicts = {name: decision.verdict for name, decision in one_key_each(asked, {}).items()}
    assert verdicts == {"a": "deny", "b": "deny", "c": "approve", "d": "approve", "e": "deny"}
    later = one_key_each(asked, {"n1": "2", "n2": "4"})
    assert [decision.verdict for decision in later.values()] == ["deny", "approve", "deny", "deny", "deny"]


def test_the_csr_of_a_host_must_have_its_name() -> None:
    from tests.support.ca.malformed import MALFORMED, NODE, request

    right = base64.b64decode(request(NODE)).decode()
    assert problems_of(right, "node1")[0] == [] and len(problems_of(right, "node1")[1]) == 64
    assert "requests the identity system:node:node1" in problems_of(right, "n2")[0][0]
    for name, hostile in MALFORMED.items():
        lies = problems_of(base64.b64decode(hostile).decode("latin-1"), "node1")[0]
        assert lies and all(lie.isprintable() and len(lie) < 400 for lie in lies), name


def test_text_of_strangers_is_shown_shortened_and_escaped() -> None:
    assert shown("a\x1b[2Jb\nc") == "a?[2Jb?c"
    assert shown("a" * 100) == "a" * 100 and shown("a" * 101) == "a" * 100 + "..."
