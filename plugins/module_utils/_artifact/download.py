# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads a file completely and verified, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

CHUNK = 1 << 20
TIMEOUT = 20.0


class Unreachable(HardwayError):
    """The server did not answer."""


def download(url: str, path: str, algorithm: str, digest: str) -> None:
    """Download url to path and verify its digest; raise and remove the file on failure."""
    if urlsplit(url).scheme not in ("https", "http", "file"):
        raise HardwayError(f"{url}: only https, http and file addresses can be downloaded")
    partial = path + ".part"
    try:
        found = _receive(url, partial, algorithm)
        if found != digest:
            raise HardwayError(f"{url} gave a file with {algorithm} {found}, not {digest}; it was deleted")
        os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)


def _receive(url: str, path: str, algorithm: str) -> str:
    """Download into path, and return the digest."""
    found = hashlib.new(algorithm)
    try:
        with open_url(url, timeout=TIMEOUT) as answer, open(path, "wb") as out:
            expected = answer.headers.get("Content-Length")
            while chunk := answer.read(CHUNK):
                found.update(chunk)
                out.write(chunk)
            received = out.tell()
    except HTTPError as exc:
        raise HardwayError(f"{url} answers {exc.code} {exc.reason}") from exc
    except (OSError, HTTPException) as exc:
        raise Unreachable(f"no answer from {urlsplit(url).netloc}: {getattr(exc, 'reason', exc)}") from exc
    if expected and received != int(expected):
        raise HardwayError(f"{url} ended after {received} of {expected} bytes; it was deleted")
    return found.hexdigest()
