# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates, reads, writes and compares private and public keys."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import __version__ as _VERSION
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.backends.openssl.backend import backend
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    _RELEASE = int(_VERSION.partition(".")[0])


def new_key(spec: KeySpec) -> Any:
    """Generate a private key."""
    if spec.algo == "rsa":
        _search_for_flaws(False)
        return rsa.generate_private_key(public_exponent=65537, key_size=spec.size)
    if spec.algo == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves: dict[int, Any] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}
    return ec.generate_private_key(curves[spec.size]())


def key_spec(key: Any) -> KeySpec:
    """Return type and size of a private or public key; an unknown type has size 0."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return KeySpec("rsa", key.key_size)
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        known = key.curve.name in ("secp256r1", "secp384r1", "secp521r1")
        return KeySpec("ecdsa" if known else key.curve.name, key.curve.key_size)
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        return KeySpec("ed25519", 0)
    return KeySpec(type(key).__name__, 0)


def key_pem(key: Any, passphrase: str | None = None) -> bytes:
    """Return a private key as kubeadm and cfssl write it (EC/RSA PRIVATE KEY); encrypted or ed25519: PKCS#8."""
    if passphrase:
        encryption: Any = serialization.BestAvailableEncryption(passphrase.encode())
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    plain = serialization.PrivateFormat.TraditionalOpenSSL
    if isinstance(key, ed25519.Ed25519PrivateKey):
        plain = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, plain, serialization.NoEncryption())


def load_key(data: bytes, what: str, passphrase: str | None = None, *, own: bool = False) -> Any:
    """Return the private key in a PEM text; ``what`` names it in errors, which never show its content.

    An own one, made on this host, is spared the search for flaws that takes more than all the rest with RSA.
    """
    options = _search_for_flaws(not own)
    # PKCS#8 with a label that only cfssl uses.
    data = data.replace(b" Ed25519 PRIVATE KEY-", b" PRIVATE KEY-")
    try:
        return serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None, **options)
    except TypeError as exc:
        if passphrase:  # the key is plain: the passphrase is for the others
            return load_key(data, what)
        raise HardwayError(f"{what}: the key is encrypted; give its passphrase (cluster_pki_passphrase)") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        reason = "it is damaged or the passphrase is wrong" if passphrase else "it is damaged or of an unknown kind"
        raise HardwayError(f"{what}: cannot read the private key: {reason}; restore it from a backup") from exc


def _search_for_flaws(wanted: bool) -> dict[str, bool]:
    """Return the option of the library that controls the validation of RSA keys.

    Releases before 39 have a switch instead, unofficial and settled long ago, and search what they make, too.
    """
    if _RELEASE >= 39:
        return {"unsafe_skip_rsa_key_validation": not wanted}
    switches: Any = backend
    switches._rsa_skip_check_key = not wanted
    return {}


def is_encrypted(data: bytes) -> bool:
    """Return whether a PEM private key is encrypted."""
    return b"ENCRYPTED" in data


def public_pem(key: Any) -> bytes:
    """Return the public key of a private key as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def same_public_key(one: Any, other: Any) -> bool:
    """Return whether two public keys are the same."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return one.public_bytes(*form) == other.public_bytes(*form)


def key_digest(key: Any) -> str:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(*form)).hexdigest()


def signature_hash(key: Any) -> Any:
    """Return the digest algorithm that cfssl uses for this private key; None for ed25519."""
    spec = key_spec(key)
    if spec.algo == "ed25519":
        return None
    if spec.algo == "rsa":
        return hashes.SHA512() if spec.size >= 4096 else hashes.SHA384() if spec.size >= 3072 else hashes.SHA256()
    return {384: hashes.SHA384(), 521: hashes.SHA512()}.get(spec.size, hashes.SHA256())
