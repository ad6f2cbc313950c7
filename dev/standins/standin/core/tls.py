# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of a server that requests a client certificate and accepts any: the application validates it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
import ssl
from pathlib import Path
from typing import Any, Optional

DER = 2  # as OpenSSL's binding in Python numbers the encodings
VERSIONS = {f"VersionTLS1{minor}": ssl.TLSVersion(0x301 + minor) for minor in range(4)}


@functools.cache
def openssl() -> Optional[ctypes.CDLL]:
    """Return the OpenSSL that Python itself uses; nothing where that is a part of Python."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    library = re.search(r"/\S*libssl[\w.-]*\.so[\w.]*", maps)
    return ctypes.CDLL(library.group(0)) if library else None


def take_any_certificate(context: ssl.SSLContext) -> None:
    """Let handshakes succeed whatever certificate a client shows, as Go's servers do that answer 401 later.

    Python has no option for this. OpenSSL calls a C function, and any that returns non-zero is enough.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    if (library := openssl()) is not None:
        pointer = ctypes.c_void_p.from_address(id(context) + 2 * ctypes.sizeof(ctypes.c_void_p))
        yes = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)
        library.SSL_CTX_set_verify(pointer, ctypes.c_int(1), yes)


def clear_errors() -> None:
    """Clear OpenSSL's error queue after a certificate was accepted that it had rejected.

    The error queue is per thread, and the next blocking read would fail with the old error.
    """
    if (library := openssl()) is not None:
        library.ERR_clear_error()


class Tls:
    """The serving certificate, read again when its file changes; the last valid pair stays in use."""

    def __init__(self, cert: str, key: str, minimum: str = "VersionTLS12") -> None:
        """Load the pair."""
        self.cert, self.key, self.minimum = cert, key, VERSIONS[minimum or "VersionTLS12"]
        self._seen = Path(cert).stat().st_mtime_ns
        self._context = self._read()

    def _read(self) -> ssl.SSLContext:
        """Return the context of the pair as it is on disk."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = self.minimum
        made.load_cert_chain(self.cert, self.key)
        take_any_certificate(made)
        return made

    def context(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        # ssl.SSLError is an OSError: the pair is not there, or key and certificate do not fit yet.
        with contextlib.suppress(OSError):
            changed = Path(self.cert).stat().st_mtime_ns
            if changed != self._seen:
                self._context, self._seen = self._read(), changed
        return self._context


def shown(connection: ssl.SSLSocket) -> list[bytes]:
    """Return the certificate that a client shows, and those that lead from it to its CA."""
    own = connection.getpeercert(binary_form=True)
    inner: Any = getattr(connection, "_sslobj", None)
    # Python before 3.10 knows no chain.
    chain: list[Any] = getattr(inner, "get_unverified_chain", list)() or []
    return [own, *(bytes(part.public_bytes(DER)) for part in chain[1:])] if own else []
