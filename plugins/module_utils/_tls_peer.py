# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a server shows, also when it then turns us away because it wants ours."""

from __future__ import annotations

import socket
import ssl

_CHANGE_CIPHER_SPEC, _HANDSHAKE = 20, 22
_CERTIFICATE = 11


def peer_certificate(host: str, port: int, *, server_name: str | None = None, timeout: float = 5.0) -> bytes:
    """Return the certificate (DER), trusted or not; raise OSError (ssl.SSLError included) when there is none.

    With TLS 1.3 our side of the handshake is done before the server asks who we are. With TLS 1.2 the refusal
    ends the handshake and the library forgets what it saw, so it is found in the bytes, which are plain there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name or host)
    received = bytearray()
    with socket.create_connection((host, port), timeout=timeout) as connection:
        try:
            while not _shaken(tls):
                connection.sendall(outgoing.read())
                data = connection.recv(65536)
                received += data
                incoming.write(data)
                if not data:
                    incoming.write_eof()
            connection.sendall(outgoing.read())
            return tls.getpeercert(binary_form=True) or b""
        except OSError:
            seen = plain_certificate(bytes(received))
            if seen is None:
                raise
            return seen


def _shaken(tls: ssl.SSLObject) -> bool:
    """Take the handshake as far as what has come allows; True when it is done."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def plain_certificate(received: bytes) -> bytes | None:
    """Return the server's certificate from the bytes of a TLS 1.2 handshake; None where it is not in them."""
    messages, position = b"", 0
    while position + 5 <= len(received) and received[position] != _CHANGE_CIPHER_SPEC:
        length = int.from_bytes(received[position + 3 : position + 5], "big")
        if received[position] == _HANDSHAKE:
            messages += received[position + 5 : position + 5 + length]
        position += 5 + length
    position = 0
    while position + 4 <= len(messages):
        length = int.from_bytes(messages[position + 1 : position + 4], "big")
        if messages[position] == _CERTIFICATE:
            return _first_of_chain(messages[position + 4 : position + 4 + length])
        position += 4 + length
    return None


def _first_of_chain(message: bytes) -> bytes | None:
    """Return the first certificate of the message; None when it is cut off or empty."""
    length = int.from_bytes(message[3:6], "big")
    found = message[6 : 6 + length]
    return found if length and len(found) == length else None
