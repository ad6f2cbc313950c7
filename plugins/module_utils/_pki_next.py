# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an authority can have a successor: one made here, signed by the one above, or made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_ensure import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_import import Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_keys import same_public_key
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import load_certificate


def given_next(ensure: Ensure, name: str) -> Source | None:
    """Return the successor of an authority where it was made elsewhere."""
    return Source.find({"name": name}, ensure.import_dir, ensure.store)


def check_next(ensure: Ensure, params: Mapping[str, Any]) -> None:
    """Raise when an authority is not there, or can have no successor."""
    store, name = ensure.store, params["name"]
    path = store.certificate(name)
    data = store.read(path)
    if data is None:
        raise HardwayError(f"authority {name}: {path} does not exist; make it with the role ca")
    present = load_certificate(data, path)
    if ensure.import_dir:
        _check_given(ensure, name, present)
    else:
        _check_made(ensure, params, present)


def _check_given(ensure: Ensure, name: str, present: Any) -> None:
    """Raise when the successor that was made elsewhere is not there with its key, or is none."""
    given, path = given_next(ensure, name), ensure.store.certificate(name)
    if given is None:
        raise HardwayError(
            f"authority {name}: there is none in {ensure.import_dir} to take its place; put it there, or rotate"
            " without this one (ca_rotated)"
        )
    if given.private_key(ensure.store, ensure.passphrase) is None:
        raise HardwayError(
            f"authority {name}: {given.certificate} is without its key, which must sign from now on; put it there for"
            " the rotation, and take it away afterwards"
        )
    if same_public_key(given.found.public_key(), present.public_key()):
        raise HardwayError(
            f"authority {name}: {given.certificate} has the present one's key; put it in the place of {path}, which"
            " is no rotation"
        )


def _check_made(ensure: Ensure, params: Mapping[str, Any], present: Any) -> None:
    """Raise when none can be made here that is like the present one."""
    store, name, issuer = ensure.store, params["name"], params.get("signed_by")
    if store.read(store.key(name)) is None:
        raise HardwayError(
            f"authority {name}: its key {store.key(name)} is kept elsewhere, and a new one would be made here;"
            " bring it here for the rotation, and take the new one away afterwards"
        )
    if present.issuer == present.subject:
        return
    if not issuer:
        raise HardwayError(
            f"authority {name}: is signed by another one, which must make its successor; import that"
            " (ca_rotation_import_dir)"
        )
    if store.read(store.key(issuer)) is None:
        raise HardwayError(
            f"authority {name}: the key of {issuer}, which must sign its successor, is kept elsewhere; bring it here"
            " for the rotation, and take it away afterwards"
        )
