# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several CAs, or several public keys, in one file, because during a rotation both are trusted.

On the controller the certificate that signs now comes first. Hosts get the same certificates in an order that says
nothing about who signs, so that a new signer alone changes no file there, and restarts nothing.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Iterable
from contextlib import suppress

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    fingerprint,
    load_certificate,
    validity,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_digest

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)

# The suffix that `openssl x509 -addtrust serverAuth -trustout` appends to a certificate.
_FOR_SERVERS = bytes.fromhex("300c300a06082b06010505070301")
_ANCHOR = "TRUSTED CERTIFICATE"
_TRUSTED = re.compile(rb"-----BEGIN TRUSTED CERTIFICATE-----(.*?)(?:-----END TRUSTED CERTIFICATE-----|\Z)", re.DOTALL)


def split(text: bytes) -> list[bytes]:
    """Return the PEM blocks of a text."""
    return [found.group(0) + b"\n" for found in _PEM.finditer(text)]


def joined(blocks: Iterable[bytes]) -> bytes:
    """Return unique blocks as one text."""
    return b"".join(dict.fromkeys(blocks))


def key_digest_of(certificate: bytes) -> str:
    """Return the digest of a CA's public key, which stays the same when the certificate is renewed."""
    return key_digest(load_certificate(certificate, "ca").public_key())


def trusted(text: bytes) -> bytes:
    """Return all certificates in the format for hosts, the oldest first; a single one unchanged."""
    blocks = split(text)
    return joined(sorted(blocks, key=_age)) if len(blocks) > 1 else text


def anchored(text: bytes) -> bytes:
    """Return certificates in OpenSSL's format for trust anchors, so that an intermediate CA can end a chain."""
    return b"".join(block if _is_root(block) else _anchor(block) for block in split(text))


def unanchored(text: bytes) -> bytes:
    """Return a text with certificates in OpenSSL's format replaced by plain ones; damaged ones are not changed."""
    return _TRUSTED.sub(lambda found: _certificate(found.group(1)), text)


def _certificate(content: bytes) -> bytes:
    """Return the certificate in OpenSSL's format without its trust settings."""
    with suppress(ValueError, IndexError):
        der = base64.b64decode(content)
        # The length of a sequence is in the second byte, or in as many bytes as that one specifies.
        more = der[1] & 0x7F if der[1] & 0x80 else 0
        length = int.from_bytes(der[2 : 2 + more], "big") if more else der[1]
        content = base64.encodebytes(der[: 2 + more + length])
    return b"-----BEGIN CERTIFICATE-----\n" + content.strip() + b"\n-----END CERTIFICATE-----"


def _is_root(certificate: bytes) -> bool:
    """Return whether a CA is a root CA."""
    loaded = load_certificate(certificate, "ca")
    return bool(loaded.issuer == loaded.subject)


def _anchor(certificate: bytes) -> bytes:
    """Return a certificate in OpenSSL's format with trust settings."""
    content = base64.b64encode(ssl.PEM_cert_to_DER_cert(certificate.decode()) + _FOR_SERVERS)
    lines = [content[begin : begin + 64].decode() for begin in range(0, len(content), 64)]
    return "\n".join([f"-----BEGIN {_ANCHOR}-----", *lines, f"-----END {_ANCHOR}-----", ""]).encode()


def _age(certificate: bytes) -> tuple[float, str]:
    """Return the sort key of a certificate."""
    loaded = load_certificate(certificate, "ca")
    return validity(loaded)[0].timestamp(), fingerprint(loaded)
