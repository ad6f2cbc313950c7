# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorities and keys made elsewhere: by cfssl (ca.pem, ca-key.pem), by kubeadm (/etc/kubernetes/pki), by anybody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_authority import check_authority
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import (
    certificate_pem,
    certificates_in,
    load_certificate,
    load_key,
    same_public_key,
)


@dataclass(frozen=True)
class Source:
    """Files of an authority elsewhere; the key may stay where it is."""

    certificate: str
    key: str
    data: bytes
    found: Any

    @classmethod
    def find(cls, params: Mapping[str, Any], directory: str | None, store: Store) -> Source | None:
        """Return what to import an authority from: the files it names, else those in the directory, else None."""
        name = params["name"]
        if params.get("import_certificate"):
            pairs = [(params["import_certificate"], params.get("import_key") or "")]
        elif params.get("import_key"):
            raise HardwayError(f"authority {name}: import_key without import_certificate; give both")
        else:
            pairs = places(name, directory)
        for certificate, key in pairs:
            data = store.read(certificate)
            if data is not None:
                found = load_certificate(data, certificate)
                check_authority(found, certificate)
                return cls(certificate, key, data, found)
        if params.get("import_certificate"):
            raise HardwayError(f"authority {name}: {pairs[0][0]} does not exist; correct import_certificate")
        return None

    def private_key(self, store: Store, passphrase: str | None) -> Any:
        """Return the key that belongs to the certificate; None where it is kept elsewhere."""
        pem = store.read(self.key) if self.key else None
        if pem is None:
            return None
        key = load_key(pem, self.key, passphrase)
        if not same_public_key(self.found.public_key(), key.public_key()):
            raise HardwayError(f"{self.key}: does not belong to {self.certificate}; import the pair that does")
        return key

    def chain(self) -> bytes:
        """Return the certificates that came behind the authority's own. They are no anchors of trust."""
        return b"".join(certificate_pem(item) for item in certificates_in(self.data, self.certificate)[1:])

    def check_same(self, present: Any, path: str) -> None:
        """Raise when the authority that is here has another key than the one to import; a renewed one has the same."""
        if not same_public_key(present.public_key(), self.found.public_key()):
            raise HardwayError(
                f"{path}: is another authority than {self.certificate}; drop the import, or move the one away that"
                " must not count"
            )


def places(name: str, directory: str | None) -> list[tuple[str, str]]:
    """Return where certificate and key of that name may be in a directory of kubeadm or of cfssl."""
    if not directory:
        return []
    stems = [os.path.join(directory, name)]
    if name.endswith("-ca"):  # kubeadm's etcd/ca.crt
        stems.append(os.path.join(directory, name[:-3], "ca"))
    return [(f"{stem}.crt", f"{stem}.key") for stem in stems] + [(f"{stem}.pem", f"{stem}-key.pem") for stem in stems]


def check_directory(directory: str | None, authorities: list[Mapping[str, Any]], store: Store) -> None:
    """Raise when there is nothing to import in the directory: new authorities would take the place of yours."""
    if not directory or any(Source.find(params, directory, store) for params in authorities):
        return
    looked = ", ".join(certificate for params in authorities for certificate, _key in places(params["name"], directory))
    raise HardwayError(f"import_dir {directory}: none of the authorities is there (looked for {looked}); correct it")
