# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA split from another one: it starts as a copy with the same key, and a rotation gives it its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import rotations
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.import_ca import Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer, known_certificates
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    certificates_in,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, same_public_key


@dataclass(frozen=True)
class Origin:
    """The CA to copy: its certificate, its chain, and its key if available."""

    certificate: Any
    chain: bytes
    key: Any

    @property
    def has_key(self) -> bool:
        """Return whether the copy can sign."""
        return self.key is not None


def origin_of(params: Mapping[str, Any], import_dir: str | None, store: Store, passphrase: str | None) -> Origin | None:
    """Return the CA that a missing one is copied from; None if that does not exist either."""
    name = params.get("split_from")
    if not name:
        return None
    if store.read(store.certificate(name)) is not None:
        if name in rotations(store):
            raise HardwayError(
                f"CA {params['name']}: starts as a copy of {name}, whose rotation is not finished; finish it first,"
                " with the release of this collection that started it"
            )
        ca = Issuer.load(store, name, passphrase, expired=True)
        chain = store.read(f"{store.stem(name)}.chain.crt") or b""
        return Origin(ca.certificate, chain, ca.key)
    source = Source.find({"name": name}, import_dir, store)
    if source is None:
        return None
    return Origin(source.found, source.chain(), source.private_key(store, passphrase))


def copy(store: Store, name: str, origin: Origin, passphrase: str | None) -> None:
    """Write the copy: the key first, because a certificate without a key counts as an offline CA."""
    if origin.key is not None:
        store.write(store.key(name), key_pem(origin.key, passphrase))
    if origin.chain:
        store.write(f"{store.stem(name)}.chain.crt", origin.chain, 0o644)
    store.write(store.certificate(name), certificate_pem(origin.certificate), 0o644)


def shared(store: Store, name: str, origin: str | None) -> str:
    """Return the warning that a CA shares a key with the CA it is split from; empty if it does not.

    Certificates of a replaced key are valid until they expire, so retired ones count too.
    """
    path = store.certificate(name)
    data = store.read(path)
    if not origin or data is None:
        return ""
    theirs = [known.public_key() for known in known_certificates(store, origin)]
    ours = [found.public_key() for found in certificates_in(data, path)]
    if not any(same_public_key(one, other) for one in ours for other in theirs):
        return ""
    return (
        f"{name}: shares a key with {origin}, so a certificate of {origin} is accepted as one of {name};"
        " separate them by a rotation:"
        f' ansible-playbook hardway.kubernetes.rotate_ca -i INVENTORY -e \'{{"ca_rotated": ["{name}"]}}\''
    )
