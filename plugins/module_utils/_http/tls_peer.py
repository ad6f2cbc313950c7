# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that a server shows, also when it then turns us away because it wants ours."""

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
    tls, received, refusal = _handshake(host, port, server_name or host, timeout)
    if refusal is None:
        return tls.getpeercert(binary_form=True) or b""
    seen = plain_chain(received)
    if not seen:
        raise refusal
    return seen[0]


def peer_chain(host: str, port: int, *, server_name: str | None = None, timeout: float = 5.0) -> list[bytes]:
    """Return all certificates that the server shows, its own first; of one that knows TLS 1.3 alone only that.

    The standard library returns only the first, so the others are taken from the bytes of TLS 1.2.
    """
    _tls, received, refusal = _handshake(host, port, server_name or host, timeout, newest=ssl.TLSVersion.TLSv1_2)
    seen = plain_chain(received)
    if seen:
        return seen
    if refusal is not None and not isinstance(refusal, ssl.SSLError):
        raise refusal
    return [peer_certificate(host, port, server_name=server_name, timeout=timeout)]


def _handshake(
    host: str,
    port: int,
    server_name: str,
    timeout: float,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> tuple[ssl.SSLObject, bytes, OSError | None]:
    """Return the connection, what the server has sent, and how it ended the handshake if it did."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, newest
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    received = bytearray()
    with socket.create_connection((host, port), timeout=timeout) as connection:
        try:
            while not _handshake_done(tls):
                connection.sendall(outgoing.read())
                data = connection.recv(65536)
                received += data
                incoming.write(data)
                if not data:
                    incoming.write_eof()
            connection.sendall(outgoing.read())
        except OSError as exc:
            return tls, bytes(received), exc
    return tls, bytes(received), None


def _handshake_done(tls: ssl.SSLObject) -> bool:
    """Take the handshake as far as what has come allows; True when it is done."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def plain_chain(received: bytes) -> list[bytes]:
    """Return the server's certificates from the bytes of a TLS 1.2 handshake; none where they are not in them."""
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
            return _listed(messages[position + 7 : position + 4 + length])
        position += 4 + length
    return []


def _listed(message: bytes) -> list[bytes]:
    """Return the certificates of a list in which each comes behind its length; one that is cut off is left out."""
    found = []
    while len(message) > 3:
        end = 3 + int.from_bytes(message[:3], "big")
        if end > len(message):
            break
        found.append(message[3:end])
        message = message[end:]
    return found
