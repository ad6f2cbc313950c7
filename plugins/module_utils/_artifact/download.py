# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads a file completely and verified, or not at all; on the controller or on a host."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import ssl
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPSHandler, Request, build_opener

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

CHUNK = 1 << 20
TIMEOUT = 20.0


class Unreachable(HardwayError):
    """The server did not answer."""


def download(url: str, path: str, algorithm: str, digest: str) -> int:
    """Download url to path and return how many bytes came.

    A partial file of an earlier attempt is continued. Nothing is at path before its digest was verified.
    """
    if urlsplit(url).scheme not in ("https", "http", "file"):
        raise HardwayError(f"{shown(url)}: only https, http and file addresses can be downloaded")
    partial = path + ".part"
    try:
        offset, came, found = _receive(url, partial, algorithm, _size(partial))
        if found != digest and offset:
            # Another file was at this address when the first part came.
            _offset, more, found = _receive(url, partial, algorithm, 0)
            came += more
        if found != digest:
            os.unlink(partial)
            raise HardwayError(f"{shown(url)} gave a file with {algorithm} {found}, not {digest}; it was deleted")
        os.replace(partial, path)
    except OSError as exc:
        # The disk is full, perhaps of this file.
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise HardwayError(f"{path}: cannot be written: {exc.strerror}; is the disk full or read-only?") from exc
    return came


def shown(url: str) -> str:
    """Return an address without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _receive(url: str, path: str, algorithm: str, offset: int) -> tuple[int, int, str]:
    """Download into path; return from which offset on, how many bytes came, and the digest of the whole file."""
    answer = _open(url, offset)
    if answer is None:
        return offset, 0, _digest(path, algorithm).hexdigest()
    with answer:
        if getattr(answer, "status", None) != 206:
            offset = 0
        found = _digest(path, algorithm) if offset else hashlib.new(algorithm)
        came, expected = 0, answer.headers.get("Content-Length")
        with open(path, "ab" if offset else "wb") as out:
            while chunk := _read(answer, url):
                found.update(chunk)
                out.write(chunk)
                came += len(chunk)
    if expected and came != int(expected):
        raise HardwayError(f"{shown(url)} ended after {came} of {expected} bytes; the next run continues there")
    return offset, came, found.hexdigest()


def _open(url: str, offset: int) -> Any:
    """Return the answer of the server, or None if it has nothing after the offset."""
    parts = urlsplit(url)
    # download() has refused other schemes.
    request = Request(shown(url), headers={"User-Agent": "hardway.kubernetes"})  # noqa: S310
    if "@" in parts.netloc:
        credentials = base64.b64encode(unquote(parts.netloc.rpartition("@")[0]).encode()).decode()
        # Not sent to another server that this one refers to.
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    try:
        # With the proxies of the environment.
        return build_opener(HTTPSHandler(context=ssl.create_default_context())).open(request, timeout=TIMEOUT)
    except HTTPError as exc:
        exc.close()
        if offset and exc.code == 416:
            return None
        raise HardwayError(f"{shown(url)} answers {exc.code} {exc.reason}") from exc
    except (OSError, HTTPException) as exc:
        raise _unreachable(url, exc) from exc


def _read(answer: Any, url: str) -> bytes:
    """Return the next part, empty at the end."""
    try:
        return bytes(answer.read(CHUNK))
    except (OSError, HTTPException) as exc:
        raise _unreachable(url, exc) from exc


def _unreachable(url: str, error: Exception) -> Unreachable:
    return Unreachable(f"no answer from {urlsplit(shown(url)).netloc}: {getattr(error, 'reason', error)}")


def _digest(path: str, algorithm: str) -> Any:
    """Return the digest of a file, to be continued."""
    found = hashlib.new(algorithm)
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0
