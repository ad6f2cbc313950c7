# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of CAs on a host, and their keys on hosts that must sign."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.atomic_swap import PairSwap
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import bundle
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import (
    CERTIFICATE_MODE,
    KEY_MODE,
    load_quietly,
    make_directory,
    read,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import same_public_key


class Trust:
    """One entry of option trust: the path of a CA's certificate, and optionally of its key."""

    def __init__(self, entry: Mapping[str, Any], pem: bytes | None, others: Sequence[bytes] = ()) -> None:
        """Take the entry and the CA's certificates, the signer first; None: it does not exist yet (check mode)."""
        self.ca: str = entry["ca"]
        self.path: str = entry["path"]
        self.key_path: str | None = entry.get("key_path")
        self.owner: str | None = entry.get("owner")
        self.group: str | None = entry.get("group")
        self.signer = pem and bundle.split(pem)[0]
        self.pem = self.signer if entry.get("signer") else pem and bundle.trusted(b"".join((pem, *others)))
        if self.pem and entry.get("anchor"):
            self.pem = bundle.anchored(self.pem)

    def reasons(self) -> list[str]:
        """Return why the certificate must be written."""
        if self.pem is None:
            return [f"CA {self.ca} does not exist yet"]
        found = read(self.path)
        if found is None:
            return ["does not exist yet"]
        if found != self.pem:
            return [f"differs from the current certificate of {self.ca}"]
        if atomic_files.attributes_differ(os.stat(self.path), CERTIFICATE_MODE, self.owner, self.group):
            return [f"mode or owner is not {CERTIFICATE_MODE:04o} of its owner"]
        return []

    def key_reasons(self) -> list[str]:
        """Return why the CA's key must be fetched from the controller, by comparing public keys."""
        if self.key_path is None or self.signer is None:
            return []
        key = load_quietly(self.key_path)
        if key is None:
            return ["no unencrypted key exists yet"]
        if not same_public_key(load_certificate(self.signer, self.path).public_key(), key.public_key()):
            return [f"is not the key of the current {self.ca}"]
        if atomic_files.attributes_differ(os.stat(self.key_path), KEY_MODE, self.owner, self.group):
            return [f"mode or owner is not {KEY_MODE:04o} of its owner"]
        return []

    @property
    def swap(self) -> PairSwap | None:
        """Return the swap of certificate and key; None without key_path."""
        return PairSwap(self.path, self.key_path) if self.key_path else None

    def write(self, key: bytes | None) -> None:
        """Write the certificate, with a new key if given."""
        if self.pem is None:
            return
        make_directory(self.path)
        if key is None:
            atomic_files.write(self.path, self.pem, mode=CERTIFICATE_MODE, owner=self.owner, group=self.group)
        elif self.swap is None:
            raise HardwayError(f"{self.path}: no key_path is given, so no key of {self.ca} belongs here")
        else:
            make_directory(self.swap.key)
            self.swap.replace(self.pem, key, self.owner, self.group)
