# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: who a client is, whom a request is for, what a signer signs and in which words it refuses the rest."""

from __future__ import annotations

import datetime
import os
import warnings
from typing import Any, Optional

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .flags import Refusal, read_file

USAGES = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}
BITS = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def certificates(path: str) -> list[Any]:
    """Return all certificates of a file."""
    text = read_file(path)
    end = b"-----END CERTIFICATE-----"
    found = [x509.load_pem_x509_certificate(part + end) for part in text.split(end) if b"BEGIN CERTIFICATE" in part]
    if not found:
        raise Refusal(f"{path}: data does not contain any valid RSA or ECDSA certificates")
    return found


def private_key(path: str) -> Any:
    """Return the key of a file."""
    try:
        return serialization.load_pem_private_key(read_file(path), None)
    except ValueError:
        raise Refusal(f"{path}: data does not contain a valid RSA or ECDSA private key") from None


def pair(cert: str, key: str) -> tuple[Any, Any]:
    """Return certificate and key of one holder; raise Refusal when they do not belong together."""
    certificate, secret = certificates(cert)[0], private_key(key)
    if certificate.public_key().public_numbers() != secret.public_key().public_numbers():
        raise Refusal(f"{cert}, {key}: tls: private key does not match public key")
    return certificate, secret


def in_memory(name: str, content: bytes) -> str:
    """Return the path of a file that is in no directory, and gone with this process."""
    handle = os.memfd_create(name)
    os.write(handle, content)
    return f"/proc/self/fd/{handle}"


def self_signed(name: str) -> str:
    """Create a self-signed pair, as programs do that were given none; return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}@rehearsal")])
    end = now() + datetime.timedelta(days=365)
    made = _builder(subject, subject, key.public_key(), end).sign(key, hashes.SHA256())
    return in_memory(name, made.public_bytes(serialization.Encoding.PEM) + _pem(key))


def _pem(key: Any) -> bytes:
    """Return a private key as a file has it."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _builder(subject: Any, issuer: Any, key: Any, end: datetime.datetime) -> Any:
    """Return a certificate that is valid from now on, but not signed yet; clocks of hosts may differ."""
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    begin = now() - datetime.timedelta(minutes=5)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)


def signed_by(certificate: Any, ca: Any) -> bool:
    """Say whether a CA's key made the signature."""
    if certificate.issuer != ca.subject:
        return False
    key, digest = ca.public_key(), certificate.signature_hash_algorithm
    arguments: list[Any] = []
    if isinstance(key, rsa.RSAPublicKey):
        arguments = [padding.PKCS1v15(), digest]
    elif isinstance(key, ec.EllipticCurvePublicKey):
        arguments = [ec.ECDSA(digest)]
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, *arguments)
    except (InvalidSignature, TypeError):
        # The latter where another kind of key has signed, one that takes no digest.
        return False
    return True


def trusted(certificate: Any, between: list[Any], cas: list[Any]) -> bool:
    """Say whether signatures lead from a certificate to one of the CAs."""
    if any(signed_by(certificate, ca) for ca in cas):
        return True
    rest = [other for other in between if other is not certificate]
    return any(signed_by(certificate, other) and trusted(other, rest, cas) for other in rest)


def client_problem(chain: list[bytes], cas: list[Any], now: datetime.datetime) -> str:
    """Return why the certificate of a client is not valid; nothing when it is."""
    certificate, *between = [x509.load_der_x509_certificate(part) for part in chain]
    if not trusted(certificate, between, cas):
        return "x509: certificate signed by unknown authority"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin, end = certificate.not_valid_before, certificate.not_valid_after
    if not begin <= now <= end:
        return "x509: certificate has expired or is not yet valid"
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    allowed = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return "" if any(usage in usages for usage in allowed) else "x509: certificate specifies an incompatible key usage"


def subject(der: bytes) -> tuple[str, list[str]]:
    """Return common name and organizations of a certificate."""
    certificate = x509.load_der_x509_certificate(der)
    names = [str(a.value) for a in certificate.subject if a.oid == NameOID.COMMON_NAME]
    return names[0] if names else "", [str(a.value) for a in certificate.subject if a.oid == NameOID.ORGANIZATION_NAME]


def now() -> datetime.datetime:
    """Return the time in UTC, without a zone as certificates have it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def request(name: str, organization: str) -> tuple[bytes, bytes]:
    """Return a new key and a signing request for it, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts)).sign(key, hashes.SHA256())
    return _pem(key), made.public_bytes(serialization.Encoding.PEM)


def sign(pem: bytes, ca: tuple[Any, Any], usages: list[str], validity: float) -> bytes:
    """Return the certificate for a signing request."""
    certificate, key = ca
    wanted = x509.load_pem_x509_csr(pem)
    end = now() + datetime.timedelta(seconds=validity, minutes=-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        end = min(end, certificate.not_valid_after)
    bits = {bit: bit.replace("_", " ") in usages for bit in BITS}
    builder = (
        _builder(wanted.subject, certificate.subject, wanted.public_key(), end)
        .add_extension(x509.KeyUsage(**bits), critical=True)
        .add_extension(x509.ExtendedKeyUsage([USAGES[u] for u in usages if u in USAGES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_pointer(certificate), critical=False)
    )
    if (names := _names(wanted)) is not None:
        builder = builder.add_extension(names, critical=False)
    return bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _pointer(ca: Any) -> Any:
    """Return what points to the CA's key: by it a kubelet's certificate is known as one of this CA."""
    try:
        own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _names(wanted: Any) -> Optional[Any]:
    """Return the SANs of a CSR."""
    try:
        return wanted.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
ANY_CLIENT = "kubernetes.io/kube-apiserver-client"
# The flags of a signer begin with cluster-signing and this.
SIGNERS = {CLIENT: "kubelet-client", SERVING: "kubelet-serving", ANY_CLIENT: "kube-apiserver-client"}
OPTIONAL = {"digital signature", "key encipherment"}
KINDS = {"DNS": x509.DNSName, "IP": x509.IPAddress, "Email": x509.RFC822Name, "URI": x509.UniformResourceIdentifier}


def signer_problem(signer: str, pem: bytes, usages: list[str]) -> str:
    """Return why a signer does not sign a request; nothing when it does."""
    if signer == ANY_CLIENT:
        wrong = [usage for usage in usages if usage not in {*OPTIONAL, "client auth"}]
        if wrong:
            return f"invalid usage for client certificate: {wrong[0]}"
        return "" if "client auth" in usages else "missing required usage for client certificate: client auth"
    return _of_kubelet(signer, x509.load_pem_x509_csr(pem), usages)


def _of_kubelet(signer: str, request: Any, usages: list[str]) -> str:
    """Return why a request is none of a kubelet, for its own client or its own server."""
    serving, held = signer == SERVING, _names(request) or ()
    names = {kind for kind, known in KINDS.items() if any(isinstance(name, known) for name in held)}
    texts = {oid: [str(a.value) for a in request.subject.get_attributes_for_oid(oid)] for oid in
             (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)}  # fmt: skip
    if texts[NameOID.ORGANIZATION_NAME] != ["system:nodes"]:
        return "subject organization is not system:nodes"
    if not "".join(texts[NameOID.COMMON_NAME]).startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    if serving and not {"DNS", "IP"} & names:
        return "DNS or IP subjectAltName is required"
    if wrong := [kind for kind in KINDS if kind in names and not (serving and kind in ("DNS", "IP"))]:
        return f"{wrong[0]} subjectAltNames are not allowed"
    wanted = {"digital signature", "server auth" if serving else "client auth"}
    if {*usages} - {"key encipherment"} != wanted:
        return f"usages did not match [{' '.join(sorted({*wanted, *OPTIONAL}))}]"
    return ""
