# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key and its certificate on a host, changed so that they always match.

A renewed certificate keeps its key and needs one rename. A new key is written next to its target (.NAME.key.new) until
there is a certificate for it; then both are swapped, see atomic_swap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.atomic_swap import PairSwap
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import Facts
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    chain_of,
    load_certificate,
    signed_by,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import (
    CERTIFICATE_MODE,
    KEY_MODE,
    load_quietly,
    make_directory,
    read,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.issue import request_pem, self_signed
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    key_pem,
    key_spec,
    new_key,
    same_public_key,
)


@dataclass(frozen=True)
class Pair:
    """The files of one certificate, both in use and pending."""

    spec: CertificateSpec

    @property
    def certificate(self) -> str:
        """Return the path of the certificate."""
        return f"{self.spec.path}.crt"

    @property
    def key(self) -> str:
        """Return the path of the private key."""
        return f"{self.spec.path}.key"

    @cached_property
    def waiting(self) -> str:
        """Return the path of a new key that has no certificate yet."""
        directory, name = os.path.split(self.spec.path)
        return os.path.join(directory, f".{name}.key.new")

    @cached_property
    def swap(self) -> PairSwap:
        """Return the swap of both files."""
        return PairSwap(self.certificate, self.key)

    def files(self) -> list[str]:
        """Return all paths that may exist."""
        return [self.certificate, self.key, *self.temporary_files()]

    def temporary_files(self) -> list[str]:
        """Return the paths that exist only during a renewal."""
        return [self.waiting, self.swap.link]

    def facts(self, ca: Any) -> Facts | str:
        """Return the facts of the certificate in use, or why there is none."""
        data = read(self.certificate)
        if data is None:
            return "certificate: does not exist yet"
        try:
            found = load_certificate(data, self.certificate)
        except HardwayError:
            return "certificate: unreadable"
        return self._facts_of(found, load_quietly(self.key), ca)

    def _facts_of(self, certificate: Any, key: Any, ca: Any) -> Facts:
        """Return the facts of a certificate; a self-signed one must be signed by itself."""
        if self.spec.ca:
            return facts_of(certificate, key, ca)
        return replace(facts_of(certificate, key), by_ca=signed_by(certificate, certificate))

    def has_chain(self, chain: bytes) -> bool:
        """Return whether exactly this chain follows the certificate in use."""
        return chain_of(read(self.certificate) or b"")[1:] == chain_of(chain)

    def set_chain(self, chain: bytes) -> None:
        """Replace the chain after the certificate in use."""
        own = load_certificate(read(self.certificate) or b"", self.certificate)
        pem = certificate_pem(own) + chain
        atomic_files.write(self.certificate, pem, mode=CERTIFICATE_MODE, owner=self.spec.owner, group=self.spec.group)

    def attributes(self) -> list[str]:
        """Return the problems with mode and owner of the files in use."""
        reasons = []
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            if os.path.exists(path) and atomic_files.attributes_differ(
                os.stat(path), mode, self.spec.owner, self.spec.group
            ):
                reasons.append(f"attributes: {os.path.basename(path)} is not {mode:04o} of its owner")
        return reasons

    def fix_attributes(self) -> None:
        """Set mode and owner of both files in use."""
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            atomic_files.set_attributes(path, mode, self.spec.owner, self.spec.group)

    def request(self, *, renew_key: bool) -> bytes:
        """Return the CSR; the key never leaves the host."""
        return request_pem(self.spec, self._key_to_use(renew_key))

    def self_signed(self, *, renew_key: bool) -> bytes:
        """Return a self-signed certificate."""
        key = self._key_to_use(renew_key)
        if os.path.lexists(self.waiting):
            atomic_files.sync(self.waiting)
        return certificate_pem(self_signed(self.spec, key))

    def _key_to_use(self, renew_key: bool) -> Any:
        """Return the key in use if it can be kept, else a new key, written next to its target."""
        make_directory(self.spec.path)
        key = None if renew_key else self._usable(self.key)
        if key is not None:
            atomic_files.forget(self.waiting)
        else:
            key = self._usable(self.waiting)
        if key is None:
            key = new_key(self.spec.key)
            atomic_files.place(self._stage(self.waiting, key_pem(key), KEY_MODE), self.waiting)
        return key

    def stage(self, pem: bytes) -> str:
        """Write an issued certificate next to its target, and return the path."""
        return self._stage(self.certificate, pem, CERTIFICATE_MODE)

    def install(self, pem: bytes, staged: str) -> None:
        """Install a staged certificate, with the pending key if that matches."""
        waiting = load_quietly(self.waiting)
        if waiting is None or not _belongs(pem, waiting):
            atomic_files.place(staged, self.certificate)
        elif os.path.lexists(self.certificate):
            self.swap.replace(pem, read(self.waiting) or b"", self.spec.owner, self.spec.group)
            atomic_files.forget(self.waiting)
        else:
            # A key without certificate is not in use, so no swap is needed.
            atomic_files.set_attributes(self.waiting, KEY_MODE, self.spec.owner, self.spec.group)
            atomic_files.place(self.waiting, self.key)
            atomic_files.place(staged, self.certificate)

    def candidate(self, pem: bytes, ca: Any) -> Facts:
        """Return the facts of an issued certificate with the key it will be installed with."""
        keys = [load_quietly(self.waiting), load_quietly(self.key)]
        key = next((key for key in keys if key is not None and _belongs(pem, key)), None)
        if key is None:
            raise HardwayError(f"{self.spec.path}: the signed certificate belongs to no key on this host; run again")
        return self._facts_of(load_certificate(pem, self.spec.path), key, ca)

    def _usable(self, path: str) -> Any:
        """Return the key at path if it has the wanted type."""
        key = load_quietly(path)
        return key if key is not None and key_spec(key) == self.spec.key else None

    def _stage(self, path: str, data: bytes, mode: int) -> str:
        return atomic_files.stage(path, data, mode=mode, owner=self.spec.owner, group=self.spec.group, sync=False)


def _belongs(pem: bytes, key: Any) -> bool:
    """Return whether the certificate matches the key."""
    try:
        return same_public_key(load_certificate(pem, "").public_key(), key.public_key())
    except HardwayError:
        return False
