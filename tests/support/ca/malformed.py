# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs that no library creates: signed by their own key, with whatever an attacker writes into them."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

COMMON_NAME, ORGANIZATION, COUNTRY, EMAIL = "550403", "55040a", "550406", "2a864886f70d010901"
UTF8, PRINTABLE, TELETEX, UNIVERSAL, BMP, INTEGER, BITS = 0x0C, 0x13, 0x14, 0x1C, 0x1E, 0x02, 0x03
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
NODE = [(ORGANIZATION, UTF8, b"system:nodes"), (COMMON_NAME, UTF8, b"system:node:node1")]
Attribute = tuple[str, int, bytes]


def tlv(tag: int, content: bytes) -> bytes:
    """Return one element of DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def name(attributes: list[Attribute]) -> bytes:
    """Return a distinguished name."""
    parts = [tlv(0x31, tlv(0x30, tlv(0x06, bytes.fromhex(oid)) + tlv(kind, value))) for oid, kind, value in attributes]
    return tlv(0x30, b"".join(parts))


def extensions(*content: bytes) -> bytes:
    """Return the attribute of a CSR that requests extensions."""
    wanted = tlv(0x06, bytes.fromhex("2a864886f70d01090e")) + tlv(0x31, tlv(0x30, b"".join(content)))
    return tlv(0x30, wanted)


def sans(content: bytes) -> bytes:
    """Return the SAN extension with this content."""
    return tlv(0x30, tlv(0x06, bytes.fromhex("551d11")) + tlv(0x04, content))


def request(attributes: list[Attribute], asked: bytes = b"") -> str:
    """Return spec.request with this subject and these attributes, for a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = tlv(0x30, tlv(INTEGER, b"\0") + name(attributes) + spki + tlv(0xA0, asked))
    signature = tlv(BITS, b"\0" + key.sign(body, ec.ECDSA(hashes.SHA256())))
    der = tlv(0x30, body + ECDSA_SHA256 + signature)
    text = base64.encodebytes(der).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"
    return base64.b64encode(pem.encode()).decode()


def certificate(attributes: list[Attribute]) -> bytes:
    """Return a self-signed certificate (PEM) with this subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    validity = tlv(0x30, tlv(0x17, b"260101000000Z") + tlv(0x17, b"360101000000Z"))
    head = tlv(0xA0, tlv(INTEGER, b"\2")) + tlv(INTEGER, b"\5") + ECDSA_SHA256
    body = tlv(0x30, head + name(attributes) + validity + name(attributes) + spki)
    signature = tlv(BITS, b"\0" + key.sign(body, ec.ECDSA(hashes.SHA256())))
    text = base64.encodebytes(tlv(0x30, body + ECDSA_SHA256 + signature)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode()


MALFORMED = {
    "country-of-three": request([*NODE, (COUNTRY, PRINTABLE, b"XYZ")]),
    "empty-value": request([*NODE, (EMAIL, UTF8, b"")]),
    "number-for-a-name": request([*NODE, (EMAIL, INTEGER, b"\x05")]),
    "bits-for-a-name": request([*NODE, (EMAIL, BITS, b"\0\x05")]),
    "teletex": request([*NODE, (EMAIL, TELETEX, b"\xff\xfe")]),
    "half-a-letter": request([*NODE, (EMAIL, BMP, b"\xd8\x00")]),
    "no-such-letter": request([*NODE, (EMAIL, UNIVERSAL, b"\xff\xff\xff\xff")]),
    "not-utf8": request([*NODE, (EMAIL, UTF8, b"\xff\xfe")]),
    "unknown-part": request([*NODE, ("2a0304", UTF8, b"x")]),
    "control-characters": request([NODE[0], (COMMON_NAME, UTF8, b"system:node:\x1b[2J\nfake: ok")]),
    "very-long-name": request([NODE[0], (COMMON_NAME, UTF8, b"system:node:" + b"a" * 20000)]),
    "huge": request([*NODE, *[(EMAIL, UTF8, b"a" * 1000)] * 200]),
    "damaged-extension": request(NODE, extensions(sans(b"\x30\x03\x82\x05a"))),
    "odd-address": request(NODE, extensions(sans(tlv(0x30, tlv(0x87, b"\x01\x02\x03"))))),
    "two-extensions": request(NODE, extensions(*[sans(tlv(0x30, tlv(0x82, b"n1")))] * 2)),
    "other-name": request(NODE, extensions(sans(tlv(0x30, tlv(0x88, b"\x2a\x03"))))),
}
