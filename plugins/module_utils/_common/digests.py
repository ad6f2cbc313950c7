# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 and other digests of files and texts."""

from __future__ import annotations

import hashlib

_CHUNK = 1 << 20


def of_bytes(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits; of a certificate in DER, this is its fingerprint."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: str, algorithm: str = "sha256") -> str:
    """Return the digest of a file, read in chunks."""
    found = hashlib.new(algorithm)
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
