# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans a host for certificates: files, directories, kubeconfigs, and listeners."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.describe import (
    Thresholds,
    described,
    described_request,
    is_kubeconfig,
    key_belongs,
    kubeconfig_entries,
    validity_problem,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.endpoint import served
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import unanchored
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificates_in
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request, requests_in

# Larger files in a directory are skipped.
_LARGEST = 1 << 20
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Scan:
    """The certificates and problems found by one module call."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the validated parameters without reading anything."""
        self.params = params
        self.now = datetime.now(timezone.utc)
        self.thresholds = Thresholds(params["warning_days"], params["critical_days"])
        self.found: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.requests: dict[tuple[str, int], dict[str, Any]] = {}
        self.problems: list[str] = []

    def run(self) -> dict[str, Any]:
        """Return certificates and problems."""
        for source in [*self.params["files"], *(item for item in self.params["endpoints"] if item["path"])]:
            if source.get("required", True) or os.path.exists(source["path"]):
                self._source(source["path"], source["used_by"])
        for problems, items in self._served(self.params["endpoints"]):
            self.problems += problems
            self.found.update({(item["endpoint"], "", item["index"]): item for item in items})
        for item in self.found.values():
            self.problems += validity_problem(item["where"], item, self.now, self.params["critical_days"])
            if item["key_matches"] is False:
                self.problems.append(f"{item['where']}: the key next to it belongs to another certificate; reissue it")
        found = {"certificates": list(self.found.values()), "requests": list(self.requests.values())}
        return {**found, "problems": self.problems}

    def _source(self, path: str, users: Sequence[str]) -> None:
        """Scan a file, or all files in a directory."""
        try:
            if not os.path.isdir(path):
                self._file(path, users, named=True)
                return
            for name in _below(path):
                self._file(name, users, named=False)
        except OSError as exc:
            self.problems.append(
                f"{exc.filename or path}: cannot be read: {exc.strerror}; run the role that creates it"
            )

    def _file(self, path: str, users: Sequence[str], *, named: bool) -> None:
        """Scan a file; ``named`` ones must contain a certificate, others may have any content."""
        if not named and os.path.getsize(path) > _LARGEST:
            return
        data = _read(path)
        try:
            if is_kubeconfig(data):
                self._kubeconfig(path, data, users)
                return
            certificates, requests = certificates_in(unanchored(data), path), requests_in(data, path)
        except HardwayError as exc:
            self.problems.append(str(exc))
            return
        if named and not certificates and not requests:
            self.problems.append(f"{path}: contains no PEM certificate; set another file")
        for index, request in enumerate(requests):
            self._request(request, path, index, _key_beside(path, data) if index == 0 else None)
        for index, certificate in enumerate(certificates):
            place = {"kind": "file", "path": path, "entry": "", "index": index}
            self._add(certificate, users, place, _key_beside(path, data) if index == 0 else None)

    def _kubeconfig(self, path: str, data: bytes, users: Sequence[str]) -> None:
        """Scan the embedded certificates and the referenced files of a kubeconfig."""
        entries = kubeconfig_entries(data, path)
        seen: dict[str, int] = defaultdict(int)
        for number, (entry, value) in enumerate(entries):
            if entry.startswith("client-key"):
                continue
            if isinstance(value, str):
                self._source(os.path.join(os.path.dirname(path), value), users)
                continue
            following = entries[number + 1 :] if entry == "client-certificate-data" else []
            key = next((text for name, text in following if name == "client-key-data"), None)
            for certificate in certificates_in(value, f"{path} ({entry})"):
                place = {"kind": "kubeconfig", "path": path, "entry": entry, "index": seen[entry]}
                self._add(certificate, users, place, key)
                seen[entry] += 1

    def _add(self, certificate: Any, users: Sequence[str], place: Mapping[str, Any], key: Any) -> None:
        """Add a certificate, or further users to one found before."""
        path, entry = place["path"], place["entry"]
        item = self.found.setdefault(
            (path, entry, place["index"]),
            {
                "where": f"{path} ({entry})" if entry else path,
                **place,
                "endpoint": "",
                "used_by": [],
                "key_matches": key_belongs(certificate, key),
                "served_matches": None,
                **self._described(certificate),
            },
        )
        item["used_by"] += [user for user in users if user not in item["used_by"]]

    def _request(self, request: Request, path: str, index: int, key: bytes | None) -> None:
        """Add a CSR."""
        reported = described_request(request, pem=self.params["pem"])
        matches = key_belongs(request, key)
        self.requests[path, index] = {"where": path, "path": path, "index": index, "key_matches": matches, **reported}

    def _described(self, certificate: Any) -> dict[str, Any]:
        return described(certificate, self.now, self.thresholds, pem=self.params["pem"])

    def _served(self, endpoints: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], list[dict[str, Any]]]]:
        """Return problems and certificates of each endpoint, queried in parallel."""
        return map_concurrently(self._endpoint, endpoints)

    def _endpoint(self, wanted: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the certificates of one endpoint, compared with its file."""
        on_disk = self.found.get((wanted["path"] or "", "", 0), {}).get("fingerprint", "")
        return served(wanted, on_disk, self._described, self.params["timeout"])


def _below(directory: str) -> Iterator[str]:
    """Yield the files below a directory in order, except hidden ones."""
    for top, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(top, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield path


def _key_beside(path: str, data: bytes) -> bytes | None:
    """Return the private key in the file or next to it, named as in kubeadm or cfssl; None without one."""
    stem = os.path.splitext(path)[0]
    for candidate in (None, f"{stem}.key", f"{stem}-key.pem"):
        with suppress(OSError):
            found = _KEY.search(data if candidate is None else _read(candidate))
            if found:
                return found.group(0)
    return None


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()
