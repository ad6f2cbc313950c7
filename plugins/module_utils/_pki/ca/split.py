# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that takes over some of the certificates of another one: it begins as a copy, and a rotation parts the two."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
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
    """The CA to begin as: its certificate, what is above it, and its key where that is here."""

    certificate: Any
    chain: bytes
    key: Any

    @property
    def has_key(self) -> bool:
        """True when the copy can sign."""
        return self.key is not None


def origin_of(params: Mapping[str, Any], import_dir: str | None, store: Store, passphrase: str | None) -> Origin | None:
    """Return the CA that a missing one begins as; None where that one does not exist either."""
    name = params.get("split_from")
    if not name:
        return None
    if store.read(store.certificate(name)) is not None:
        if name in json.loads(store.read(os.path.join(store.directory, "rotation.json")) or b"{}"):
            raise HardwayError(
                f"CA {params['name']}: begins as a copy of {name}, whose rotation is under way; finish that first, with"
                " the release of this collection that began it"
            )
        ca = Issuer.load(store, name, passphrase, expired=True)
        chain = store.read(f"{store.stem(name)}.chain.crt") or b""
        return Origin(ca.certificate, chain, ca.key)
    source = Source.find({"name": name}, import_dir, store)
    if source is None:
        return None
    return Origin(source.found, source.chain(), source.private_key(store, passphrase))


def copy(store: Store, name: str, origin: Origin, passphrase: str | None) -> None:
    """Write the copy: the key first, for a certificate alone would count as one whose key is kept elsewhere."""
    if origin.key is not None:
        store.write(store.key(name), key_pem(origin.key, passphrase))
    if origin.chain:
        store.write(f"{store.stem(name)}.chain.crt", origin.chain, 0o644)
    store.write(store.certificate(name), certificate_pem(origin.certificate), 0o644)


def shared(store: Store, name: str, origin: str | None) -> str:
    """Return the warning that a CA trusts a key of the CA it is to be apart from; empty when it does not.

    Certificates of a key that was replaced are valid until they end, so retired ones count, too.
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
        f"{name}: shares a key with {origin}, so a certificate of {origin} passes for one of {name}; part them by a"
        f' rotation: ansible-playbook hardway.kubernetes.rotate_ca -i INVENTORY -e \'{{"ca_rotated": ["{name}"]}}\''
    )
