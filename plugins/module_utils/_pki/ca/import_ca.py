# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports existing CAs and keys, of cfssl (ca.pem, ca-key.pem), kubeadm (/etc/kubernetes/pki) or others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import (
    check_ca,
    known_certificates,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    certificates_in,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key, same_public_key


@dataclass(frozen=True)
class Source:
    """Files of a CA to import; the key may be missing."""

    certificate: str
    key: str
    data: bytes
    found: Any

    @classmethod
    def find(cls, params: Mapping[str, Any], directory: str | None, store: Store) -> Source | None:
        """Return the files to import a CA from: those in its options, else those in the directory, else None."""
        name, pairs = params["name"], _pairs(params, directory)
        for certificate, key in pairs:
            data = store.read(certificate)
            if data is not None:
                found = load_certificate(data, certificate)
                check_ca(found, certificate)
                return cls(certificate, key, data, found)
        if params.get("import_certificate"):
            raise HardwayError(f"CA {name}: {pairs[0][0]} does not exist; fix import_certificate")
        return None

    def private_key(self, store: Store, passphrase: str | None) -> Any:
        """Return the key of the certificate; None if it is offline."""
        pem = store.read(self.key) if self.key else None
        if pem is None:
            return None
        key = load_key(pem, self.key, passphrase)
        if not same_public_key(self.found.public_key(), key.public_key()):
            raise HardwayError(f"{self.key}: does not belong to {self.certificate}; import the pair that does")
        return key

    def chain(self) -> bytes:
        """Return the certificates that follow that of the CA. They are not trust anchors."""
        return b"".join(certificate_pem(item) for item in certificates_in(self.data, self.certificate)[1:])


def check_same(params: Mapping[str, Any], directory: str | None, store: Store) -> None:
    """Raise when the files to import belong to neither the current CA nor one that it replaced.

    After the import, missing, damaged or expired files are ignored.
    """
    known = known_certificates(store, params["name"])
    for certificate, _key in _pairs(params, directory):
        with suppress(HardwayError):
            found = load_certificate(store.read(certificate) or b"", certificate)
            break
    else:
        return
    if not any(same_public_key(one.public_key(), found.public_key()) for one in known):
        raise HardwayError(
            f"{store.certificate(params['name'])}: is another CA than {certificate}; remove the import, or move"
            " the wrong one away"
        )


def _pairs(params: Mapping[str, Any], directory: str | None) -> list[tuple[str, str]]:
    """Return possible paths of certificate and key: those in the options, else those in the directory."""
    if params.get("import_certificate"):
        return [(params["import_certificate"], params.get("import_key") or "")]
    if params.get("import_key"):
        raise HardwayError(f"CA {params['name']}: import_key without import_certificate; give both")
    return places(params["name"], directory)


def places(name: str, directory: str | None) -> list[tuple[str, str]]:
    """Return possible paths of certificate and key in a directory of kubeadm or cfssl."""
    if not directory:
        return []
    stems = [os.path.join(directory, name)]
    if name.endswith("-ca"):  # kubeadm's etcd/ca.crt
        stems.append(os.path.join(directory, name[:-3], "ca"))
    return [(f"{stem}.crt", f"{stem}.key") for stem in stems] + [(f"{stem}.pem", f"{stem}-key.pem") for stem in stems]


def check_directory(directory: str | None, cas: list[Mapping[str, Any]], store: Store) -> None:
    """Raise when the directory contains nothing to import, because new CAs would replace the existing ones.

    Once all are imported, the directory may be deleted.
    """

    def exists(name: str | None) -> bool:
        return name is not None and store.read(store.certificate(name)) is not None

    # A copy of an existing CA needs no import.
    missing = [params for params in cas if not exists(params["name"]) and not exists(params.get("split_from"))]
    looked = [certificate for params in cas for certificate, _key in places(params["name"], directory)]
    named = any(params.get("import_certificate") for params in cas)
    if directory and missing and not named and all(store.read(certificate) is None for certificate in looked):
        raise HardwayError(
            f"import_dir {directory}: contains none of the CAs (looked for {', '.join(looked)}); fix it,"
            f" or unset it to create new ones: {', '.join(params['name'] for params in missing)}"
        )
