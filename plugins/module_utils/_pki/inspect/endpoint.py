# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the certificates of a listener, and compares its own with a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import served_chain
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import readable

with suppress(ImportError):  # require_cryptography says what to install
    from cryptography import x509


def served(
    wanted: Mapping[str, Any], on_disk: str, describe: Callable[[Any], dict[str, Any]], timeout: float
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return problems and certificates of one endpoint; on_disk is the expected fingerprint."""
    place, path = wanted["endpoint"], wanted["path"] or ""
    try:
        chain = served_chain(f"https://{place}", server_name=wanted["server_name"], timeout=timeout)
        with readable(f"{place}: serves an unreadable certificate; reissue it"):
            reported = [describe(x509.load_der_x509_certificate(der)) for der in chain]
    except HardwayError as exc:
        return [str(exc)], []
    items = [
        {
            "where": place if index == 0 else f"{place} (chain, {index})",
            "kind": "endpoint",
            # What comes behind its own certificate is in the same file, if in any.
            "path": path if index == 0 else "",
            "entry": "",
            "index": index,
            "endpoint": place,
            "used_by": list(wanted["used_by"]),
            "key_matches": None,
            "served_matches": None if index or wanted["shared"] or not path else item["fingerprint"] == on_disk,
            **item,
        }
        for index, item in enumerate(reported)
    ]
    return [problem for item in items for problem in _mismatch(item, on_disk)], items


def _mismatch(item: Mapping[str, Any], on_disk: str) -> list[str]:
    """Return the problem of an endpoint that does not serve the certificate on disk."""
    if item["served_matches"] is not False:
        return []
    there = f"holds {on_disk}" if on_disk else "cannot be compared"
    users = ", ".join(item["used_by"]) or "what listens there"
    return [f"{item['where']}: serves {item['fingerprint']}, but {item['path']} {there}; restart {users}"]
