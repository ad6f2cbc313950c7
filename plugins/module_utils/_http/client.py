# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request over mutual TLS, by the standard library alone."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urlsplit

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


class HttpError(HardwayError):
    """No response came. ``kind`` says why: refused, timeout, tls, reset, name, io."""

    kind = "io"


@dataclass(frozen=True)
class Tls:
    """How to trust the server and who to be: all are paths of PEM files."""

    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    server_name: Optional[str] = None
    verify: bool = True


@dataclass(frozen=True)
class Response:
    """What the server answered, whatever the status, and the certificate it served (DER)."""

    status: int
    headers: dict[str, str]
    body: bytes
    peer_certificate: Optional[bytes]

    def json(self) -> Any:
        """Return the body as parsed JSON; raises ValueError when it is not JSON."""
        import json

        return json.loads(self.body.decode("utf-8"))


def request(
    url: str,
    *,
    method: str = "GET",
    body: Optional[bytes] = None,
    headers: Optional[Mapping[str, str]] = None,
    tls: Optional[Tls] = None,
    token: Optional[str] = None,
    timeout: float = 5.0,
) -> Response:
    """Return the server's response; raise HttpError when there is none."""
    from http.client import HTTPException

    parts = urlsplit(url)
    sent = dict(headers or {})
    if token:
        sent["Authorization"] = "Bearer " + token
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    connection = None
    try:
        connection = _connect(url, tls or Tls(), timeout)
        connection.request(method, target, body=body, headers=sent)
        # A closing server ends the response by dropping the socket: take the certificate before.
        peer = connection.sock.getpeercert(binary_form=True) if parts.scheme == "https" else None
        answer = connection.getresponse()
        return Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read(), peer)
    except (OSError, HTTPException, ValueError) as exc:
        raise _explain(method, url, exc) from exc
    finally:
        if connection is not None:
            connection.close()


# What a client of HTTP/2 says first: who it is, and empty settings. A server answers with its own, a frame of type 4.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def wait_for_grpc_greeting(url: str, *, timeout: float = 5.0) -> None:
    """Return when the gRPC server at C(unix:///path) greets, as it does before any call; raise HttpError otherwise."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout)
            link.connect(urlsplit(url).path)
            link.sendall(_PREFACE)
            with link.makefile("rb") as stream:
                if stream.read(9)[3:4] != b"\x04":
                    raise ConnectionResetError("no gRPC server is at this socket")
    except OSError as exc:
        raise _explain("gRPC", url, exc) from exc


def served_certificate(url: str, *, server_name: Optional[str] = None, timeout: float = 5.0) -> bytes:
    """Return the DER certificate that the server shows, trusted or not, also when it then wants ours."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._http.tls_peer import peer_certificate

    parts = urlsplit(url)
    try:
        return peer_certificate(parts.hostname or "", parts.port or 443, server_name=server_name, timeout=timeout)
    except (OSError, ValueError) as exc:
        raise _explain("TLS", url, exc) from exc


def served_chain(url: str, *, server_name: Optional[str] = None, timeout: float = 5.0) -> list[bytes]:
    """Return all DER certificates that the server shows, its own first."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._http.tls_peer import peer_chain

    parts = urlsplit(url)
    try:
        return peer_chain(parts.hostname or "", parts.port or 443, server_name=server_name, timeout=timeout)
    except (OSError, ValueError) as exc:
        raise _explain("TLS", url, exc) from exc


def tls_context(tls: Tls) -> Any:
    """Return an SSL context that trusts only ``tls.ca`` (the system's store without one)."""
    import ssl

    for path in (tls.ca if tls.verify else None, tls.cert, tls.key):
        if path:
            # The ssl module does not name the file that it cannot read.
            with open(path, "rb"):
                pass
    context = ssl.create_default_context(cafile=tls.ca) if tls.verify else ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As Go does: what is trusted need not be a root. Python 3.9 has no name for the flag.
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key)
    return context


def _connect(url: str, tls: Tls, timeout: float) -> Any:
    """Return a connected http.client connection; SNI and host check use ``tls.server_name`` when given."""
    from http.client import HTTPConnection

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the scheme is '{parts.scheme}', it must be http or https")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    context = tls_context(tls) if parts.scheme == "https" else None
    connection = HTTPConnection(parts.hostname or "", port, timeout=timeout)
    connection.connect()
    if context is not None:
        # Wrapping here, not in HTTPSConnection, lets the checked name differ from the dialled address.
        try:
            connection.sock = context.wrap_socket(connection.sock, server_hostname=tls.server_name or parts.hostname)
        except BaseException:
            connection.close()
            raise
    return connection


def _kind(exc: Exception) -> str:
    """Return a stable word for the way in which the request failed."""
    import ssl
    from http.client import RemoteDisconnected

    order: list[tuple[Any, str]] = [
        (ssl.SSLError, "tls"),
        (socket.timeout, "timeout"),
        (socket.gaierror, "name"),
        (ConnectionRefusedError, "refused"),
        ((RemoteDisconnected, ConnectionError), "reset"),
    ]
    return next((word for kinds, word in order if isinstance(exc, kinds)), "io")


_REMEDIES = {
    "tls": "check that the certificates belong to the same CA and carry this name or address",
    "timeout": "check that the host is up, the process answers, and no firewall drops the port",
    "name": "check the host name",
    "refused": "check that the process runs and listens on this address",
    "reset": "see the server's log",
    "io": "check that the files and the address exist and are readable",
}


def _explain(method: str, url: str, exc: Exception) -> HttpError:
    """Return the HttpError for a failure, with the object, the reason and the remedy."""
    kind = _kind(exc)
    error = HttpError(f"{method} {url}: no response ({kind}): {exc}; {_REMEDIES[kind]}")
    error.kind = kind
    return error
