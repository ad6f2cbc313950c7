# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a kubeconfig, the same for the same input, and what of it a diff may show."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass

# What a diff shows as it is; of public data it shows a digest, of anything else nothing.
_OPEN = {"apiVersion", "kind", "current-context", "name", "cluster", "user", "context", "server", "preferences"}
_OPEN |= {"clusters", "contexts", "users", "tls-server-name"}
_DIGEST = {"certificate-authority-data", "client-certificate-data"}
_LINE = re.compile(r"^(?P<start>[\s-]*(?P<key>[A-Za-z-]+):)(?P<value>.*)$")


@dataclass(frozen=True)
class Kubeconfig:
    """One cluster, one user and one context; either a certificate with its key or a token says who the user is."""

    cluster: str
    server: str
    user: str
    ca: bytes
    certificate: bytes | None = None
    key: bytes | None = None
    token: str | None = None

    def render(self) -> str:
        """Return the file's text: block YAML with every value quoted as JSON does, which YAML understands."""
        context = f"{self.user}@{self.cluster}"
        lines = [
            "apiVersion: v1",
            "kind: Config",
            "clusters:",
            f"- name: {json.dumps(self.cluster)}",
            "  cluster:",
            f"    certificate-authority-data: {_base64(self.ca)}",
            f"    server: {json.dumps(self.server)}",
            "contexts:",
            f"- name: {json.dumps(context)}",
            "  context:",
            f"    cluster: {json.dumps(self.cluster)}",
            f"    user: {json.dumps(self.user)}",
            f"current-context: {json.dumps(context)}",
            "users:",
            f"- name: {json.dumps(self.user)}",
            "  user:",
        ]
        if self.certificate is not None:
            lines.append(f"    client-certificate-data: {_base64(self.certificate)}")
        if self.key is not None:
            lines.append(f"    client-key-data: {_base64(self.key)}")
        if self.token is not None:
            lines.append(f"    token: {json.dumps(self.token)}")
        return "\n".join(lines) + "\n"


def shown(text: str) -> str:
    """Return a kubeconfig for a diff, ours or anybody's: what is not known to be open is hidden."""
    return "".join(f"{_shown_line(line)}\n" for line in text.splitlines())


def _shown_line(line: str) -> str:
    """Return one line without secrets."""
    found = _LINE.match(line)
    if found is None:
        return "(hidden)" if line.strip() else ""
    key, value = found.group("key"), found.group("value").strip()
    if not value or (key in _OPEN and not value.startswith(("{", "[", "|", ">"))):
        return line
    if key in _DIGEST:
        return f"{found.group('start')} sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return f"{found.group('start')} (hidden)"


def _base64(data: bytes) -> str:
    """Return data as one line of base64."""
    return base64.b64encode(data).decode("ascii")
