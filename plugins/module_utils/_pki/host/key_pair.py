# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key and its certificate on a host: they change so that a pair in use always belongs together.

A renewed certificate keeps its key, so it is one rename. A new key waits beside its target (.NAME.key.new) until there
is a certificate for it; then the pair is switched, see _pki_switch.
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
    """The files of one certificate: in place, and waiting."""

    spec: CertificateSpec

    @property
    def certificate(self) -> str:
        """Return where the certificate is."""
        return f"{self.spec.path}.crt"

    @property
    def key(self) -> str:
        """Return where the private key is."""
        return f"{self.spec.path}.key"

    @cached_property
    def waiting(self) -> str:
        """Return where a new key waits for its certificate."""
        directory, name = os.path.split(self.spec.path)
        return os.path.join(directory, f".{name}.key.new")

    @cached_property
    def swap(self) -> PairSwap:
        """Return what changes both files at once."""
        return PairSwap(self.certificate, self.key)

    def files(self) -> list[str]:
        """Return all paths that may hold a part of it."""
        return [self.certificate, self.key, *self.passing()]

    def passing(self) -> list[str]:
        """Return those of the paths that exist only while a certificate is on its way."""
        return [self.waiting, self.swap.link]

    def facts(self, ca: Any) -> Facts | str:
        """Return what is in place, or in one phrase why nothing useful is."""
        data = read(self.certificate)
        if data is None:
            return "certificate: does not exist yet"
        try:
            found = load_certificate(data, self.certificate)
        except HardwayError:
            return "certificate: unreadable"
        return self._judged(found, load_quietly(self.key), ca)

    def _judged(self, certificate: Any, key: Any, ca: Any) -> Facts:
        """Return what a certificate says; a self-signed one points to no CA but must be its own."""
        if self.spec.ca:
            return facts_of(certificate, key, ca)
        return replace(facts_of(certificate, key), by_ca=signed_by(certificate, certificate))

    def has_chain(self, chain: bytes) -> bool:
        """True when behind the certificate in place just these others follow."""
        return chain_of(read(self.certificate) or b"")[1:] == chain_of(chain)

    def set_chain(self, chain: bytes) -> None:
        """Put these certificates behind the one in place."""
        own = load_certificate(read(self.certificate) or b"", self.certificate)
        pem = certificate_pem(own) + chain
        atomic_files.write(self.certificate, pem, mode=CERTIFICATE_MODE, owner=self.spec.owner, group=self.spec.group)

    def attributes(self) -> list[str]:
        """Return what is wrong with mode and owner of the files in place."""
        reasons = []
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            if os.path.exists(path) and atomic_files.attributes_differ(
                os.stat(path), mode, self.spec.owner, self.spec.group
            ):
                reasons.append(f"attributes: {os.path.basename(path)} is not {mode:04o} of its owner")
        return reasons

    def fix_attributes(self) -> None:
        """Give both files in place their mode and owner."""
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            atomic_files.set_attributes(path, mode, self.spec.owner, self.spec.group)

    def request(self, *, renew_key: bool) -> bytes:
        """Return the signing request; the key is never sent."""
        return request_pem(self.spec, self._key_to_use(renew_key))

    def self_signed(self, *, renew_key: bool) -> bytes:
        """Return a certificate that its own key signed."""
        key = self._key_to_use(renew_key)
        if os.path.lexists(self.waiting):
            atomic_files.sync(self.waiting)
        return certificate_pem(self_signed(self.spec, key))

    def _key_to_use(self, renew_key: bool) -> Any:
        """Return the key in place where it can be kept; a key that must be new waits beside its target."""
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
        """Lay a signed certificate beside its place, and return where."""
        return self._stage(self.certificate, pem, CERTIFICATE_MODE)

    def install(self, pem: bytes, staged: str) -> None:
        """Put a certificate in place that is staged, with the waiting key where it belongs to that one."""
        waiting = load_quietly(self.waiting)
        if waiting is None or not _belongs(pem, waiting):
            atomic_files.place(staged, self.certificate)
        elif os.path.lexists(self.certificate):
            self.swap.replace(pem, read(self.waiting) or b"", self.spec.owner, self.spec.group)
            atomic_files.forget(self.waiting)
        else:
            # A key alone is no pair that anybody could use.
            atomic_files.set_attributes(self.waiting, KEY_MODE, self.spec.owner, self.spec.group)
            atomic_files.place(self.waiting, self.key)
            atomic_files.place(staged, self.certificate)

    def candidate(self, pem: bytes, ca: Any) -> Facts:
        """Return what a signed certificate says, judged with the key it will be installed with."""
        keys = [load_quietly(self.waiting), load_quietly(self.key)]
        key = next((key for key in keys if key is not None and _belongs(pem, key)), None)
        if key is None:
            raise HardwayError(f"{self.spec.path}: the signed certificate belongs to no key on this host; run again")
        return self._judged(load_certificate(pem, self.spec.path), key, ca)

    def _usable(self, path: str) -> Any:
        """Return the key at path when it is of the kind asked for."""
        key = load_quietly(path)
        return key if key is not None and key_spec(key) == self.spec.key else None

    def _stage(self, path: str, data: bytes, mode: int) -> str:
        return atomic_files.stage(path, data, mode=mode, owner=self.spec.owner, group=self.spec.group, sync=False)


def _belongs(pem: bytes, key: Any) -> bool:
    """True when the certificate in pem was made for key."""
    try:
        return same_public_key(load_certificate(pem, "").public_key(), key.public_key())
    except HardwayError:
        return False
