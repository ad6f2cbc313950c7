# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates with the library cryptography, release 3.4 or newer."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

# A truncated certificate matches too, and is reported as damaged.
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|\Z)", re.DOTALL)


def require_cryptography(where: str) -> None:
    """Raise an error with the package name when the library is missing or too old."""
    try:
        import cryptography
    except ImportError as exc:
        raise HardwayError(
            f"{where}: Python's library cryptography is missing; install the package python3-cryptography"
        ) from exc
    numbers = re.findall(r"\d+", cryptography.__version__)[:2]
    if tuple(int(number) for number in numbers) < (3, 4):
        raise HardwayError(
            f"{where}: Python's library cryptography is {cryptography.__version__}; 3.4 or newer is needed,"
            " upgrade the package python3-cryptography"
        )


def load_certificate(data: bytes, what: str) -> Any:
    """Return the first certificate in a PEM text; what names it in the error."""
    found = _PEM_CERTIFICATE.search(data)
    if found is None:
        raise HardwayError(f"{what}: contains no PEM certificate; restore it or move it away")
    with readable(f"{what}: cannot read the certificate, it is damaged; restore it or move it away"):
        return _parsed(found.group(0))


@contextmanager
def readable(problem: str) -> Iterator[None]:
    """Raise ``problem`` instead of any exception of the library while the block parses foreign data.

    Among that are errors of many kinds, and panics of its native code, which are no Exception.
    """
    try:
        with warnings.catch_warnings():
            # The library also prints warnings to a module's standard error.
            warnings.simplefilter("ignore")
            yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, HardwayError):
        raise
    except BaseException as exc:
        raise HardwayError(problem) from exc


@lru_cache(maxsize=1024)
def _parsed(pem: bytes) -> Any:
    """Return a completely readable certificate; cached, because a run uses each several times."""
    certificate = x509.load_pem_x509_certificate(pem)
    certificate.public_key()
    list(certificate.extensions)
    # The library parses names and numbers only on access.
    for part in (certificate.subject, certificate.issuer):
        [str(attribute.value) for attribute in part]
    validity(certificate)
    return certificate


def chain_of(data: bytes) -> list[bytes]:
    """Return the certificates of a PEM text, each as a PEM block."""
    return [b"".join(pem.split()) for pem in _PEM_CERTIFICATE.findall(data)]


def certificates_in(data: bytes, what: str) -> list[Any]:
    """Return all certificates of a PEM text; a damaged one is an error with ``what``."""
    return [load_certificate(pem, what) for pem in _PEM_CERTIFICATE.findall(data)]


def certificate_pem(certificate: Any) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def validity(certificate: Any) -> tuple[datetime, datetime]:
    """Return start and end of the validity period; old releases return times without time zone."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (
        certificate.not_valid_before.replace(tzinfo=timezone.utc),
        certificate.not_valid_after.replace(tzinfo=timezone.utc),
    )


def fingerprint(certificate: Any) -> str:
    """Return the SHA-256 fingerprint of a certificate."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def signed_by(certificate: Any, ca: Any) -> bool:
    """Return whether the CA signed the certificate and is its issuer by name."""
    if certificate.issuer != ca.subject:
        return False
    key, digest = ca.public_key(), certificate.signature_hash_algorithm
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, TypeError):
        return False
    return True
